"""Word lists for Mandarin: neutral tones, surnames, erhua, fixed polyphone phrases."""

from typing import Final

from frontend.wordlist import words

#: Words of two characters whose second syllable is neutral.
NEUTRAL_SECOND: Final = frozenset(
    words(
        "爸爸 妈妈 哥哥 姐姐 弟弟 妹妹 爷爷 奶奶 姥姥 姥爷 叔叔 伯伯 舅舅 姑姑 公公 "
        "婆婆 太太 宝宝 娃娃 星星 猩猩 蝈蝈 蛐蛐 饽饽 东西 朋友 先生 学生 医生 大夫 "
        "丈夫 媳妇 师傅 师父 徒弟 老婆 亲戚 亲家 姑娘 闺女 小姐 丫头 孩子 儿子 "
        "衣服 衣裳 窗户 桌子 椅子 房子 屋子 帽子 裤子 裙子 鞋子 袜子 头发 眼睛 耳朵 "
        "鼻子 嘴巴 舌头 脑袋 脖子 胳膊 指头 骨头 拳头 屁股 肚子 眉毛 指甲 嗓子 "
        "石头 木头 馒头 枕头 罐头 砖头 锄头 码头 念头 甜头 苦头 势头 里头 外头 前头 "
        "后头 上头 下头 月亮 太阳 云彩 地方 天气 时候 时辰 晚上 早上 明白 清楚 漂亮 "
        "凉快 暖和 热闹 舒服 便宜 结实 老实 聪明 糊涂 麻烦 厉害 利害 认识 知道 告诉 "
        "喜欢 打听 打扮 打算 打量 商量 收拾 休息 招呼 照顾 咳嗽 喷嚏 护士 消息 意思 "
        "故事 事情 名字 名堂 学问 本事 力气 客气 脾气 福气 运气 志气 阔气 和气 "
        "小气 豆腐 葡萄 萝卜 黄瓜 西瓜 冬瓜 南瓜 丝瓜 核桃 石榴 柿子 橘子 庄稼 粮食 "
        "烧饼 点心 包子 饺子 馄饨 骆驼 狐狸 蛤蟆 蚂蚱 刺猬 牲口 苍蝇 灯笼 钥匙 玻璃 "
        "喇叭 琵琶 算盘 棉花 扫帚 簸箕 笤帚 行李 包袱 口袋 被子 帐篷 生意 买卖 工夫 "
        "功夫 规矩 办法 动静 动弹 毛病 疙瘩 伤口 能耐 精神 态度 委屈 冤枉 福分 身份 "
        "部分 成分 应酬 答应 吩咐 嘱咐 埋怨 巴结 奉承 教训 称呼 稀罕 稳当 妥当 勤快 "
        "痛快 爽快 厚道 公道 地道 机灵 伶俐 马虎 含糊 迷糊 模糊 窝囊 啰嗦 扎实 "
        "踏实 硬朗 敞亮 响亮 明亮 亮堂 自在 别扭 折腾 唠叨 嘟囔 嘀咕 咕咚 哆嗦 抽屉 "
        "玫瑰 芝麻 胭脂 首饰 裁缝 木匠 铁匠 石匠 篱笆 栅栏 棺材 衙门 牌楼 祖宗 神仙 "
        "菩萨 和尚 道士 喇嘛 尾巴 膏药 笑话 闲话 废话 队伍 主意 主子 作坊 世道 世故 "
        "架势 眼力 胆子 底子 面子 里子 样子 使唤 伺候 侍候 张罗 忙活 将就 凑合 对付 "
        "应付 拉扯 拾掇 挑剔 比方 编排 盘算 琢磨 掂量 思量 合同 街坊 邻居 人家 娘家 "
        "婆家 东家 行家 冤家 官司 差事 记号 字号 外甥 女婿 寡妇 奴才 丫鬟 困难 热和 "
        "软和 匀称 素净 白净 秀气 俗气 土气 洋气 娇气 神气 晦气 丧气 泄气 客人 主人 "
        "男人 女人 大人 下人 工人 爱人 媒人 仇人 恩人 谢谢 看看 想想 说说 听听 走走 "
        "试试 坐坐 等等 聊聊 问问 怎么 什么 那么 这么 多么 要么 我们 你们 他们 她们 "
        "它们 咱们 人们 觉得 记得 懂得 晓得 "
        "值得 免得 省得 显得 舍得 懒得 来得 跟着 为了 除了 极了 得了 罢了 算了 完了 "
        "对了 好了 行了 人们 巴掌 财主 畜生 刀子 提防 嫁妆 见识 交情 戒指 苗条 苗头 "
        "模子 名气 相声 笑语 牙碜 养活 吆喝 妖精 应承 冤枉 月饼 云彩 早晨 造化 宅子 "
        "寨子 张罗 丈人 招牌 芝麻 知识 指望 妯娌 柱子 转悠 庄子 壮实 状元 字号 "
        "自在 祖宗 作坊"
    )
) - frozenset(
    words(
        "是的 等等 主人 客人 黄瓜 西瓜 南瓜 冬瓜 丝瓜 石榴 明亮 天气 太阳 办法 困难 态度 伤口 早晨"
    )
)

#: Surnames read otherwise than the common word.
SURNAMES: Final[dict[str, str]] = {
    **{"曾": "zeng1", "单": "shan4", "任": "ren2", "仇": "qiu2", "区": "ou1", "朴": "piao2"},
    **{"盖": "ge3", "解": "xie4", "查": "zha1", "华": "hua4", "柏": "bai3", "卜": "bu3"},
    **{"翟": "zhai2", "黑": "he4", "乐": "yue4", "缪": "miao4", "秘": "bi4", "燕": "yan1"},
    **{"葛": "ge3", "尉": "wei4", "折": "she2", "种": "chong2", "员": "yun4", "曲": "qu1"},
    **{"应": "ying1", "令": "ling2", "那": "na1", "覃": "qin2", "晁": "chao2", "洗": "xian3"},
    **{"冼": "xian3", "宿": "su4", "藏": "zang1", "长": "zhang3", "车": "che1", "谌": "chen2"},
    **{"褚": "chu3", "郝": "hao3", "逄": "pang2", "繁": "po2", "过": "guo1", "哈": "ha3"},
    **{"纪": "ji3", "宁": "ning4", "强": "qiang2", "石": "shi2", "沈": "shen3", "祭": "zhai4"},
    **{"句": "gou1", "召": "shao4", "都": "du1", "万": "wan4", "幺": "yao1", "降": "jiang4"},
}  # fmt: skip
#: A surname before one of these is a person.
TITLES: Final = (
    "先生|女士|小姐|老师|教授|医生|博士|经理|总裁|主任|校长|院长|局长|市长|县长|书记|同志|师傅|大夫|"
    "太太|夫人|某|律师|法官|警官|队长|导演|董事|主席|总理|部长|将军|氏|老板|同学|阿姨|叔叔|大哥|哥|姐|总"
)

#: Words that pypinyin and the model read wrongly or not at all.
PHRASES: Final[dict[str, str]] = {
    **{"单于": "chan2 yu2", "可汗": "ke4 han2", "尉迟": "yu4 chi2", "万俟": "mo4 qi2"},
    **{"长孙": "zhang3 sun1", "令狐": "ling2 hu2", "澹台": "tan2 tai2", "吐蕃": "tu3 bo1"},
    **{"龟兹": "qiu1 ci2", "月氏": "yue4 zhi1", "大宛": "da4 yuan1", "冒顿": "mo4 du2"},
    **{"银行": "yin2 hang2", "行长": "hang2 zhang3", "同行": "tong2 hang2", "行业": "hang2 ye4"},
    **{"行走": "xing2 zou3", "步行": "bu4 xing2", "重庆": "chong2 qing4", "重复": "chong2 fu4"},
    **{"长大": "zhang3 da4", "校长": "xiao4 zhang3", "成长": "cheng2 zhang3", "音乐": "yin1 yue4"},
    **{"快乐": "kuai4 le4", "乐队": "yue4 dui4", "睡觉": "shui4 jiao4", "觉得": "jue2 de5"},
    **{"还是": "hai2 shi4", "还有": "hai2 you3", "归还": "gui1 huan2", "都市": "du1 shi4"},
    **{"首都": "shou3 du1", "成都": "cheng2 du1", "角色": "jue2 se4", "主角": "zhu3 jue2"},
    **{"会计": "kuai4 ji4", "便宜": "pian2 yi5", "方便": "fang1 bian4"},
    **{"当作": "dang4 zuo4", "当真": "dang4 zhen1", "上当": "shang4 dang4", "参差": "cen1 ci1"},
    **{"差不多": "cha4 bu5 duo1", "出差": "chu1 chai1", "差别": "cha1 bie2", "得意": "de2 yi4"},
    **{"地道": "di4 dao5", "教书": "jiao1 shu1", "空闲": "kong4 xian2", "有空": "you3 kong4"},
    **{"率领": "shuai4 ling3", "效率": "xiao4 lv4", "模样": "mu2 yang4", "模型": "mo2 xing2"},
    **{"强迫": "qiang3 po4", "勉强": "mian3 qiang3", "倔强": "jue2 jiang4", "曲折": "qu1 zhe2"},
    **{"歌曲": "ge1 qu3", "散步": "san4 bu4", "散文": "san3 wen2", "血液": "xue4 ye4"},
    **{"流血": "liu2 xue4", "宿舍": "su4 she4", "为了": "wei4 le5", "因为": "yin1 wei4"},
    **{"兴奋": "xing1 fen4", "高兴": "gao1 xing4", "应该": "ying1 gai1", "反应": "fan3 ying4"},
    **{"转身": "zhuan3 shen1", "转圈": "zhuan4 quan1", "着急": "zhao2 ji2", "着火": "zhao2 huo3"},
    **{"睡着": "shui4 zhao2", "看着": "kan4 zhe5", "干净": "gan1 jing4", "干部": "gan4 bu4"},
    **{"几乎": "ji1 hu1", "几个": "ji3 ge4", "冠军": "guan4 jun1", "供应": "gong1 ying4"},
    **{"和面": "huo2 mian4", "暖和": "nuan3 huo5", "附和": "fu4 he4", "划船": "hua2 chuan2"},
    **{"计划": "ji4 hua4", "晃眼": "huang3 yan3", "摇晃": "yao2 huang4", "卡片": "ka3 pian4"},
    **{"关卡": "guan1 qia3", "看守": "kan1 shou3", "累计": "lei3 ji4", "劳累": "lao2 lei4"},
    **{"量词": "liang4 ci2", "测量": "ce4 liang2", "露面": "lou4 mian4", "暴露": "bao4 lu4"},
    **{"闷热": "men1 re4", "烦闷": "fan2 men4", "磨坊": "mo4 fang2", "宁可": "ning4 ke3"},
    **{"泥古": "ni4 gu3", "铺床": "pu1 chuang2", "店铺": "dian4 pu4", "亲家": "qing4 jia5"},
    **{"圈养": "juan4 yang3", "塞外": "sai4 wai4", "堵塞": "du3 se4", "丧失": "sang4 shi1"},
    **{"丧事": "sang1 shi4", "少年": "shao4 nian2", "什锦": "shi2 jin3", "名单": "ming2 dan1"},
    **{"数学": "shu4 xue2", "数一数": "shu3 yi5 shu3", "挑战": "tiao3 zhan4", "调查": "diao4 cha2"},
    **{"调皮": "tiao2 pi2", "削皮": "xiao1 pi2", "剥削": "bo1 xue1", "相貌": "xiang4 mao4"},
    **{"咽喉": "yan1 hou2", "要求": "yao1 qiu2", "载重": "zai4 zhong4", "记载": "ji4 zai3"},
    **{"扎针": "zha1 zhen1", "占领": "zhan4 ling3", "正月": "zheng1 yue4", "挣扎": "zheng1 zha2"},
    **{"中奖": "zhong4 jiang3", "种植": "zhong4 zhi2", "种子": "zhong3 zi5", "钻石": "zuan4 shi2"},
    **{"作坊": "zuo1 fang5", "弄堂": "long4 tang2", "大夫": "dai4 fu5", "大王": "da4 wang2"},
    **{"士大夫": "shi4 da4 fu1", "哪吒": "ne2 zha1"},
    **{"给予": "ji3 yu3", "供给": "gong1 ji3", "尽管": "jin3 guan3", "尽快": "jin3 kuai4"},
    **{"处理": "chu3 li3", "处分": "chu3 fen4", "到处": "dao4 chu4", "好处": "hao3 chu4"},
    **{"爱好": "ai4 hao4", "好奇": "hao4 qi2", "相声": "xiang4 sheng5", "笼罩": "long3 zhao4"},
    **{"一行人": "yi4 xing2 ren2", "银行行长": "yin2 hang2 hang2 zhang3", "东西": "dong1 xi5"},
    **{"尽心": "jin4 xin1", "乐评": "yue4 ping2"},
    **{"机器人": "ji1 qi4 ren2", "长长的": "chang2 chang2 de5"},
}  # fmt: skip

#: 儿 is a syllable of its own beside these, otherwise the model decides.
ER_OWN_AFTER: Final = frozenset("女婴孤幼少胎健宠弃男托育患产骄混胡侄麟龟托诗盲丐小孩生雏")
ER_OWN_BEFORE: Final = frozenset("子童女孙媳歌科时戏郎化")
#: 儿 merges into these.
ER_MERGES_AFTER: Final = frozenset(
    "花点会事玩味哪那这块门边圈劲样活今明昨后前名份画鸟猫狗鱼虾皮眼根棍盖壶瓶盆碗馅空弯口"
    "片角卷串丝条票词字本头伴坎腕尖缝嗓音信杆面馆摊胡同宝贝慢快好干闲聊够"
)
