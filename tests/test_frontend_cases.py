"""What people type and how it is to be read: one case a line, `input => expected`.

Sections named `normalize …` compare the normalised text, `pinyin …` the Mandarin syllables as
spoken (after sandhi), `arpabet …` the English phonemes.
"""

import re

import pytest

from frontend import phonemize
from frontend.normalize import normalize

CASES = """
# normalize money
It costs $5. => It costs five dollars.
It costs $1. => It costs one dollar.
$1,250.50 => one thousand two hundred fifty dollars and fifty cents
$0.99 => ninety nine cents
$0.01 => one cent
$10.01 => ten dollars and one cent
$5 million => five million dollars
$1.2bn => one point two billion dollars
$3.5M => three point five million dollars
$100k => one hundred thousand dollars
$5-10 => five to ten dollars
$100-$200 => one hundred to two hundred dollars
-$5 => minus five dollars
$20/hr => twenty dollars per hour
£5.20 => five pounds and twenty pence
£1 => one pound
€3 => three euros
€2.50 => two euros and fifty cents
5€ => five euros
¥500 => five hundred yen
US$30 => thirty dollars
50¢ => fifty cents
20 USD => twenty dollars
I paid $3.99 for 2 => I paid three dollars and ninety nine cents for two
# normalize numbers
0 => zero
I have 1,000 apples => I have one thousand apples
1234567 => one million two hundred thirty four thousand five hundred sixty seven
1,000,000 people => one million people
3.14 => three point one four
0.5 => zero point five
.5 => point five
-5 => minus five
100 => one hundred
101 => one hundred one
12 eggs => twelve eggs
007 => zero zero seven
1.5x => one point five times
3x faster => three times faster
100k followers => one hundred thousand followers
2M users => two million users
1,2,3 go => one, two, three go
10,000 steps => ten thousand steps
# normalize percent
50% => fifty percent
3.5% => three point five percent
5-10% => five to ten percent
-2% => minus two percent
100% sure => one hundred percent sure
0.1% => zero point one percent
# normalize fractions
1/2 cup => one half cup
3/4 mile => three quarters mile
2/3 => two thirds
1/8 => one eighth
2 1/2 cups => two and a half cups
½ cup => one half cup
1½ cups => one and a half cups
3¼ inches => three and a quarter inches
5/7 => five sevenths
24/7 => twenty four seven
2 1/2 kg => two and a half kilograms
1/2 mile => one half mile
3/4 km => three quarters kilometer
GPT-4's answer => GPT four's answer
the RTX 4090 => the RTX forty ninety
9/11 => nine eleven
# normalize ranges and scores
5-10 people => five to ten people
pages 10–20 => pages ten to twenty
chapter 3-4 => chapter three to four
1990-1995 => nineteen ninety to nineteen ninety five
2020-21 => twenty twenty to twenty one
They won 3-2 => They won three to two
3:2 => three to two
10 - 20 items => ten to twenty items
2nd-3rd => second to third
# normalize ordinals
1st => first
2nd => second
3rd => third
22nd => twenty second
103rd => one hundred third
1,000th => one thousandth
the 21st century => the twenty first century
30th => thirtieth
12th => twelfth
# normalize years and decades
in 1984 => in nineteen eighty four
in 2005 => in two thousand five
in 2024 => in twenty twenty four
in 1900 => in nineteen hundred
in 1066 => in one thousand sixty six
in 2000 => in two thousand
in 1905 => in nineteen oh five
in the 1990s => in the nineteen nineties
the '80s => the eighties
in the 60s => in the sixties
the 1800s => the eighteen hundreds
the 2000s => the two thousands
1984 apples => one thousand nine hundred eighty four apples
# normalize dates
12/05/2024 => December fifth, twenty twenty four
31/12/2023 => December thirty first, twenty twenty three
2024-05-01 => May first, twenty twenty four
Jan 5, 2020 => January fifth, twenty twenty
January 5 => January fifth
May 5-7 => May fifth to seventh
5 May 2024 => the fifth of May, twenty twenty four
the 5th of May => the fifth of May
Nov. 3rd, 2020 => November third, twenty twenty
May 2024 => May twenty twenty four
on Sept 1st => on September first
July 4th => July fourth
# normalize times
3:30 pm => three thirty PM
3:30pm => three thirty PM
10:05 => ten oh five
9:00 => nine o'clock
9 a.m. today => nine AM today
3pm => three PM
12:00 PM => twelve PM
14:30 => fourteen thirty
1:23:45 => one twenty three forty five
10:30-11:45 => ten thirty to eleven forty five
It's 5 o'clock => It's five o'clock
at 7:15 in the morning => at seven fifteen in the morning
# normalize phones
555-0123 => five five five, oh one two three
(555) 123-4567 => five five five, one two three, four five six seven
555-123-4567 => five five five, one two three, four five six seven
1-800-555-0123 => one, eight oh oh, five five five, oh one two three
+1 555 123 4567 => plus one, five five five, one two three, four five six seven
call 911 => call nine one one
Room 302 => Room three oh two
# normalize units
25°C => twenty five degrees Celsius
77°F => seventy seven degrees Fahrenheit
-5°C => minus five degrees Celsius
90° => ninety degrees
5 km => five kilometers
1 km => one kilometer
60 km/h => sixty kilometers per hour
50 mph => fifty miles per hour
10 kg => ten kilograms
a 10-kg bag => a ten kilogram bag
16GB => sixteen gigabytes
2.4 GHz => two point four gigahertz
6 ft => six feet
3 lbs => three pounds
5'10" => five feet ten
1920x1080 => one thousand nine hundred twenty by one thousand eighty
2 m² => two square meters
100 ml => one hundred milliliters
30s => thirty seconds
5-10 km => five to ten kilometers
20 mg/day => twenty milligrams per day
# normalize codes
A4 paper => A four paper
B2B => B two B
MP3 => MP three
COVID-19 => COVID nineteen
GPT-4 => GPT four
GPT-4o => GPT four o
F-16 => F sixteen
Boeing 747 => Boeing seven forty seven
H2O => H two O
4K => four K
5G => five G
3D => three D
1080p => ten eighty p
iPhone 15 Pro => iPhone fifteen Pro
192.168.1.1 => one nine two dot one six eight dot one dot one
v2.0.1 => version two point zero point one
v2 => version two
Python 3.11 => Python three point one one
# normalize maths
2+2=4 => two plus two equals four
5-3=2 => five minus three equals two
3 × 4 => three times four
3*4=12 => three times four equals twelve
10 ÷ 2 => ten divided by two
x² => x squared
x^3 => x cubed
10^6 => ten to the power of six
5 > 3 => five greater than three
± 5 => plus or minus five
a = b => a equals b
# normalize addresses
john.doe@mail.com => john dot doe at mail dot com
www.example.com => WWW dot example dot com
https://example.com => example dot com
https://www.x.com/a?b=1 => WWW dot X dot com slash A question mark B equals one
example.org/about => example dot org slash about
report_final.pdf => report underscore final dot PDF
main.py => main dot PY
data.zip => data dot zip
# normalize social
#OpenAI => hashtag OpenAI
@user => at user
#1 fan => number one fan
R&D => R and D
AT&T => AT and T
C++ => C plus plus
C# => C sharp
😀 hi 👍🏽 => hi
I ❤️ you => I you
and/or => and or
w/o sugar => without sugar
# normalize abbreviations
Dr. Smith => Doctor Smith
Mr. and Mrs. Jones => Mister and Missus Jones
Prof. Lee => Professor Lee
Main St. is long => Main Street is long
St. Louis => Saint Louis
No. 5 => number five
cats vs. dogs => cats versus dogs
cats vs dogs => cats versus dogs
e.g. cats => for example cats
i.e. dogs => that is dogs
apples, pears, etc. => apples, pears, et cetera.
U.S. Army => US Army
the U.S.A. today => the USA today
J. K. Rowling => J K Rowling
Ph.D. => PhD
Acme Inc. => Acme Incorporated.
Martin Luther King Jr. Day => Martin Luther King Junior Day
approx. five => approximately five
Fifth Ave. => Fifth Avenue.
Sunset Blvd. => Sunset Boulevard.
Lt. Dan => Lieutenant Dan
a.k.a. Bob => also known as Bob
# normalize roman
Henry VIII => Henry the eighth
Louis XIV => Louis the fourteenth
Elizabeth II => Elizabeth the second
World War II => World War two
Chapter IV => Chapter four
Part III => Part three
Act V => Act five
Type II => Type two
# normalize capitals
I LOVE THIS GPU SO MUCH => I love this GPU so much
STOP IT RIGHT NOW => stop it right now
NASA and the FBI => NASA and the FBI
# normalize marks
Hello… => Hello…
Wait... what? => Wait… what?
What?! => What?
Stop!!! => Stop!
“Hello,” she said. => Hello, she said.
Don't => Don't
Don’t => Don't
the dogs' bowl => the dogs' bowl
'quoted' => quoted
He left — and came back => He left - and came back
state-of-the-art => state of the art
twenty-one => twenty one
(in brackets) => in brackets
Hello,world => Hello, world
Ｈｅｌｌｏ　１２ => Hello twelve
café => café
naïve — résumé => naïve - résumé
yes ; no => yes; no
# normalize markdown
# Title => Title
**bold** text => bold text
*italic* text => italic text
`code` here => code here
[link](https://x.com) => link
> quoted => quoted
- item => item
~~gone~~ => gone
<b>bold</b> => bold
Tom &amp; Jerry => Tom and Jerry
# normalize zh numbers
我有2个苹果 => 我有两个苹果
2天 => 两天
第2个 => 第二个
22个人 => 二十二个人
12个月 => 十二个月
200元 => 两百元
2000人 => 两千人
2万元 => 两万元
20000人 => 两万人
1,234人 => 一千二百三十四人
1005个 => 一千零五个
10个 => 十个
110个 => 一百一十个
1.5倍 => 一点五倍
1.2亿人 => 一点二亿人
1万2千人 => 一万两千人
30岁 => 三十岁
100多人 => 一百多人
2楼 => 二楼
2号线 => 二号线
2年 => 两年
3.14很有名 => 三点一四很有名
他考了98.5分 => 他考了九十八点五分
0.5米 => 零点五米
温度是-3度 => 温度是负三度
10086人 => 一万零八十六人
第100名 => 第一百名
# normalize zh dates
2024年5月1日 => 二零二四年五月一日
1998年 => 一九九八年
98年 => 九八年
5年前 => 五年前
1990年代 => 一九九零年代
90年代 => 九十年代
20世纪 => 二十世纪
2月2日 => 二月二日
12月25号 => 十二月二十五号
日期是2024-05-01 => 日期是二零二四年五月一日
日期是2024/5/1 => 日期是二零二四年五月一日
1990-1995年 => 一九九零到一九九五年
2022年到2023年 => 二零二二年到二零二三年
# normalize zh times
下午3:30开会 => 下午三点半开会
8:05出发 => 八点零五分出发
10:00见 => 十点见
12:30:15结束 => 十二点三十分十五秒结束
营业时间8:00-22:00 => 营业时间八点到二十二点
晚上9点15分 => 晚上九点十五分
2点出发 => 两点出发
24小时 => 二十四小时
2小时 => 两小时
# normalize zh money
花了￥12.50 => 花了十二点五元
花了¥100 => 花了一百元
他给我$5 => 他给我五美元
价格是€3.5 => 价格是三点五欧元
大约￥3,999左右 => 大约三千九百九十九元左右
100元-200元 => 一百元到两百元
价格$10-20 => 价格十到二十美元
5毛钱 => 五毛钱
# normalize zh percent and fractions
5%的人 => 百分之五的人
增长3.5% => 增长百分之三点五
大约50%～60% => 大约百分之五十到百分之六十
下降-2% => 下降负百分之二
1/2的人 => 二分之一的人
占3/4左右 => 占四分之三左右
# normalize zh ranges and scores
2~3天 => 两到三天
2-3天 => 两到三天
5～6月 => 五到六月
3:2获胜 => 三比二获胜
以3-2击败 => 以三比二击败
比分是1:0 => 比分是一比零
# normalize zh phones
电话13812345678 => 电话幺三八幺二三四五六七八
打110 => 打幺幺零
拨打120急救 => 拨打幺二零急救
请拨010-12345678 => 请拨零幺零, 幺二三四五六七八
12306订票 => 幺二三零六订票
住在302房间 => 住在三零二房间
密码是1234 => 密码是幺二三四
# normalize zh units
气温-5℃ => 气温零下五摄氏度
今天25°C => 今天二十五摄氏度
5km远 => 五公里远
时速100km/h => 时速一百公里每小时
2kg苹果 => 两公斤苹果
10cm长 => 十厘米长
3.5 km 跑步 => 三点五公里跑步
面积50m² => 面积五十平方米
2L水 => 两升水
2.5吨 => 二点五吨
# normalize zh mixed
GPT-4很好 => GPT 四很好
用A4纸打印 => 用 A 四纸打印
5G网络 => 五 G 网络
3D电影 => 三 D 电影
航班CA1234起飞 => 航班 CA 幺二三四起飞
我用 Python 写程序 => 我用 Python 写程序
这个app很nice => 这个app很nice
第Ⅱ章 => 第二章
Ⅲ期临床 => 三期临床
No.1品牌 => 第一品牌
In 2024, 中国 has 1.4 billion people => In twenty twenty four, 中国 has one point four billion people
我有 3 个 apples => 我有三个 apples
邮箱是abc@qq.com => 邮箱是 abc 艾特 QQ 点 com
网址www.baidu.com => 网址 WWW 点 baidu 点 com
# normalize zh maths
3×4=12很简单 => 三乘四等于十二很简单
5+3等于8 => 五加三等于八
10-3=7对吗 => 十减三等于七对吗
小于5 => 小于五
# normalize zh marks
你好，世界！ => 你好, 世界!
「你好」 => 你好
他说：“好的。” => 他说: 好的.
《红楼梦》很长 => 红楼梦很长
一、二、三 => 一, 二, 三
真的吗？？？ => 真的吗?
等等…… => 等等…
不错～～ => 不错
约翰·史密斯 => 约翰史密斯
春天——万物复苏 => 春天 - 万物复苏
（注意）安全 => 注意安全
３６０度 => 三百六十度
# normalize zh traditional
後來我們學會了愛 => 后来我们学会了爱
乾隆皇帝 => 乾隆皇帝
我們看著你 => 我们看着你
臺灣 => 台湾
# pinyin polyphones
银行 => yin2 hang2
行走 => xing2 zou3
行长 => hang2 zhang3
长大 => zhang3 da4
长城 => chang2 cheng2
重庆 => chong2 qing4
重要 => zhong4 yao4
音乐 => yin1 yue4
快乐 => kuai4 le4
睡觉 => shui4 jiao4
觉得 => jue2 de5
还有 => hai2 you3
归还 => gui1 huan2
首都 => shou3 du1
都是 => dou1 shi4
角色 => jue2 se4
会计 => kuai4 ji4
开会 => kai1 hui4
方便 => fang1 bian4
便宜 => pian2 yi5
朝阳 => chao2 yang2
出差 => chu1 chai1
差别 => cha1 bie2
数学 => shu4 xue2
教书 => jiao1 shu1
教室 => jiao4 shi4
效率 => xiao4 lv4
率领 => shuai4 ling3
模型 => mo2 xing2
模样 => mu2 yang4
勉强 => mian2 qiang3
倔强 => jue2 jiang4
歌曲 => ge1 qu3
曲折 => qu1 zhe2
散步 => san4 bu4
因为 => yin1 wei4
成为 => cheng2 wei2
兴奋 => xing1 fen4
高兴 => gao1 xing4
应该 => ying1 gai1
反应 => fan3 ying4
着急 => zhao2 ji2
看着 => kan4 zhe5
干部 => gan4 bu4
干净 => gan1 jing4
冠军 => guan4 jun1
暖和 => nuan3 huo5
计划 => ji4 hua4
关卡 => guan1 qia3
卡片 => ka3 pian4
测量 => ce4 liang2
重量 => zhong4 liang4
种子 => zhong3 zi5
种植 => zhong4 zhi2
钻石 => zuan4 shi2
尽管 => jin2 guan3
处理 => chu2 li3
到处 => dao4 chu4
爱好 => ai4 hao4
参差 => cen1 ci1
参加 => can1 jia1
大夫 => dai4 fu5
传说 => chuan2 shuo1
自传 => zi4 zhuan4
弹琴 => tan2 qin2
子弹 => zi3 dan4
调查 => diao4 cha2
调皮 => tiao2 pi2
# pinyin sandhi
你好 => ni2 hao3
展览馆 => zhan2 lan2 guan3
小老虎 => xiao3 lao2 hu3
一个 => yi2 ge4
一天 => yi4 tian1
一年 => yi4 nian2
一起 => yi4 qi3
一百 => yi4 bai3
一万 => yi2 wan4
第一 => di4 yi1
统一 => tong3 yi1
一月 => yi1 yue4
看一看 => kan4 yi5 kan4
不是 => bu2 shi4
不好 => bu4 hao3
不来 => bu4 lai2
好不好 => hao3 bu5 hao3
可以 => ke2 yi3
水果 => shui2 guo3
十一 => shi2 yi1
# pinyin neutral
爸爸 => ba4 ba5
妈妈 => ma1 ma5
东西 => dong1 xi5
朋友 => peng2 you5
我们 => wo3 men5
桌子 => zhuo1 zi5
衣服 => yi1 fu5
认识 => ren4 shi5
我的书 => wo3 de5 shu1
跑得快 => pao3 de5 kuai4
好了 => hao3 le5
漂亮 => piao4 liang5
# pinyin erhua
花儿 => huar1
这儿 => zher4
哪儿 => nar3
一点儿 => yi4 dianr3
玩儿 => wanr2
女儿 => nv3 er2
儿童 => er2 tong2
婴儿 => ying1 er2
儿子 => er2 zi5
# pinyin names
姓曾 => xing4 zeng1
姓单 => xing4 shan4
单于 => chan2 yu2
任先生 => ren2 xian1 sheng5
尉迟恭 => yu4 chi2 gong1
# arpabet words
GPU => JH IY1 P IY1 Y UW1
NASA => N AE1 S AH0
FBI => EH1 F B IY1 AY1
the apple => DH IY0 AE1 P AH0 L
the cat => DH AH0 K AE1 T
a cat => AH0 K AE1 T
John's => JH AA1 N Z
boss's => B AO1 S IH0 Z
cats' => K AE1 T S
well-known => W EH1 L N OW1 N
PhD => P IY1 EY1 CH D IY1
USB => Y UW1 EH1 S B IY1
AI => EY1 AY1
US => Y UW1 EH1 S
us => AH1 S
IT => AY1 T IY1
plan A => P L AE1 N EY1
PDFs => P IY1 D IY1 EH1 F S
café => K AH0 F EY1
ChatGPT => CH AE1 T JH IY1 P IY1 T IY1
"""


def _sections() -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = []
    section = ""
    for line in CASES.strip().splitlines():
        heading = re.fullmatch(r"# ((?:normalize|pinyin|arpabet) [a-z ]+)", line)
        if heading:
            section = heading[1]
        else:
            written, _, expected = line.partition(" => ")
            rows.append((section, written, expected))
    return rows


ROWS = _sections()
_TEXT_ROWS = [row for row in ROWS if row[0].startswith("normalize")]
_PINYIN_ROWS = [row for row in ROWS if row[0].startswith("pinyin")]
_ARPABET_ROWS = [row for row in ROWS if row[0].startswith("arpabet")]


def _spelled(symbols: tuple[str, ...]) -> list[str]:
    """Undo the symbols of one utterance to (initial + final + tone) strings."""
    syllables: list[str] = []
    current = ""
    for symbol in symbols:
        name = symbol.removeprefix("zh_")
        if name == "erhua":
            syllables[-1] = f"{syllables[-1][:-1]}r{syllables[-1][-1]}"
        elif symbol.startswith("zh_"):
            current += name
            if name in "12345":
                syllables.append(current)
                current = ""
    return syllables


def _expected_pinyin(text: str) -> list[str]:
    """Bring expected pinyin to the spelling of `_spelled` through the public syllable table."""
    from frontend.pinyin import syllable_symbols

    syllables: list[str] = []
    for syllable in text.split():
        symbols = syllable_symbols(syllable)
        assert symbols is not None, syllable
        syllables += _spelled(symbols)
    return syllables


def test_table_is_large_enough() -> None:
    assert len(ROWS) >= 400
    assert len({(section, written) for section, written, _ in ROWS}) == len(ROWS)


@pytest.mark.parametrize(("section", "written", "expected"), _TEXT_ROWS)
def test_normalized(section: str, written: str, expected: str) -> None:
    assert normalize(written) == expected
    assert normalize(expected) == expected, "not idempotent"


@pytest.mark.parametrize(("section", "written", "expected"), _PINYIN_ROWS)
def test_pinyin(section: str, written: str, expected: str) -> None:
    assert _spelled(phonemize(written).symbols) == _expected_pinyin(expected)


@pytest.mark.parametrize(("section", "written", "expected"), _ARPABET_ROWS)
def test_arpabet(section: str, written: str, expected: str) -> None:
    symbols = [symbol for symbol in phonemize(written).symbols if symbol != "<en>"]
    assert " ".join(symbols) == expected
