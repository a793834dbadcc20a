"""What the page says, in English and Chinese."""

from __future__ import annotations

from tts.inference.prompt_findings import (
    ADVICE,
    GOOD_SPEECH_S,
    UNMEASURED,
    VALUE,
    WHAT,
    WHOLE_PROMPT_S,
    Finding,
)
from tts.serve.webui.texts_findings import ADVICE_ZH, CARDS_ZH, VALUE_ZH, WHAT_ZH

LANGUAGES = ("en", "zh")
_GOOD = f"{GOOD_SPEECH_S:g}–{WHOLE_PROMPT_S:g}"

_BOTH: dict[str, tuple[str, str]] = {
    "tagline": ("Type it. Pick a voice. Hear it.", "写下来，选个声音，听一听。"),
    "page": ("The page", "本页"),
    "other_language": ("中文", "English"),
    "theme": ("Light or dark", "浅色或深色"),
    "expert": ("Expert", "专家"),
    "expert_hint": (
        "Show phonemes, seeds, sampling and measurements",
        "显示音素、种子、采样和测量值",
    ),
    "api": ("API", "接口"),
    "text": ("Text", "文本"),
    "text_hint": (
        "Type or paste text, English or Chinese. Ctrl+Enter speaks, Esc stops.",
        "输入或粘贴中文、英文文本。按 Ctrl+Enter 朗读，按 Esc 停止。",
    ),
    "examples": ("Examples", "示例"),
    "voice": ("Voices", "声音"),
    "voices_none": ("No voice yet: add a recording below.", "还没有声音：请在下面添加录音。"),
    "voices_en": ("English", "英语"),
    "voices_zh": ("Mandarin", "普通话"),
    "voices_und": ("Your own", "你自己的"),
    "woman": ("woman", "女声"),
    "man": ("man", "男声"),
    "speaks_as": ("{name} will read it", "由 {name} 朗读"),
    "play_voice": ("Play voice {name}", "试听声音 {name}"),
    "delete_voice": ("Delete voice {name}", "删除声音 {name}"),
    "delete_sure": ("Delete voice {name}?", "要删除声音 {name} 吗？"),
    "deleted": ("Voice {name} is deleted.", "声音 {name} 已删除。"),
    "own_voice": ("My recording", "我的录音"),
    "own_hint": ("the recording that you just added", "刚刚添加的录音"),
    "prompt": ("Speak like a recording", "模仿一段录音"),
    "prompt_hint": (
        f"Give {_GOOD} s of clear speech, and the page speaks in its manner.",
        f"给出 {_GOOD} 秒清晰的语音，就会用它的嗓音朗读。",
    ),
    "upload": ("Choose a file", "选择文件"),
    "prompt_audio": ("Or record it here", "或在此录音"),
    "transcript": ("What is said in it (optional)", "录音里说的话（可不填）"),
    "save_name": ("Save as voice", "存为声音"),
    "save_hint": ("name: a-z, 0-9, - and _", "名字：a-z、0-9、- 和 _"),
    "save": ("Save", "保存"),
    "saved": ("Voice {name} is saved.", "声音 {name} 已保存。"),
    "save_first": ("Add a recording first.", "请先添加录音。"),
    "saved_what": (
        "Kept: codes, transcript and a hash; not the sound itself.",
        "只保存编码、文字和哈希值，不保存录音本身。",
    ),
    "generate": ("Speak", "朗读"),
    "stop": ("Stop", "停止"),
    "said": ("How it will be said", "将怎样朗读"),
    "said_hint": (
        "Click a word to change how it is said.",
        "点击词语可以修改读音。",
    ),
    "said_part": ("Only the beginning is shown.", "只显示开头部分。"),
    "said_edit": ("How to say “{word}”", "“{word}”的读音"),
    "said_format": (
        "pinyin such as yin2 hang2, ARPAbet such as K AE1 T, or IPA",
        "拼音（如 yin2 hang2）、ARPAbet（如 K AE1 T）或国际音标",
    ),
    "apply": ("Apply", "应用"),
    "reset": ("As before", "还原"),
    "cancel": ("Cancel", "取消"),
    "result": ("Result", "结果"),
    "empty": ("Ready when you are", "准备好了"),
    "empty_hint": (
        "Press Speak. What you hear appears here, to play again and to download.",
        "按“朗读”。听到的声音会出现在这里，可以重放和下载。",
    ),
    "waiting": ("Waiting, {n} before you", "排队中，前面还有 {n} 个"),
    "starting": ("Drawing breath …", "正在准备……"),
    "speaking": ("Speaking", "正在朗读"),
    "left": ("{made} made, about {left} left", "已完成 {made}，大约还剩 {left}"),
    "piece_of": ("sentence {n} of {total}", "第 {n} 句，共 {total} 句"),
    "seconds": ("{s} s", "{s} 秒"),
    "done": ("Done", "完成"),
    "done_hint": ("{made}, read by {name}", "{made}，由 {name} 朗读"),
    "stopped": ("Stopped", "已停止"),
    "failed": ("That did not work", "没有成功"),
    "broken_off": ("The connection broke off; try again.", "连接中断，请再试一次。"),
    "download": ("Download", "下载"),
    "another": ("Another take", "换一种读法"),
    "again": ("Again with this seed", "用这个种子再来"),
    "retry": ("Try again", "再试一次"),
    "duration": ("duration", "时长"),
    "rtf": ("RTF", "实时率"),
    "rtf_hint": ("computing time over duration", "计算时间与时长之比"),
    "ttfa": ("first sound after", "首声延迟"),
    "frames": ("frames", "帧数"),
    "seed": ("seed", "种子"),
    "waveform": ("Waveform of the result", "结果的波形"),
    "pieces": ("Sentence by sentence", "逐句"),
    "piece_waiting": ("waiting", "等待"),
    "piece_speaking": ("speaking", "正在读"),
    "piece_eos": ("done", "完成"),
    "piece_budget": ("did not end by itself", "没有自然结束"),
    "piece_empty": ("stayed empty", "没有声音"),
    "piece_failed": ("failed", "失败"),
    "say_again": ("Say again", "重读"),
    "play": ("Play", "播放"),
    "history": ("This session", "本次记录"),
    "settings": ("Settings", "设置"),
    "quality": ("Codebooks", "码本数"),
    "quality_cost": (
        "{n} of {total}: about {rtf} s of computing per second of speech",
        "{n}/{total}：每秒语音约需 {rtf} 秒计算",
    ),
    "quality_unknown": (
        "{n} of {total}; fewer are faster and rougher",
        "{n}/{total}；越少越快，也越粗糙",
    ),
    "seed_field": ("Seed", "种子"),
    "seed_hint": ("Same text, voice and seed: same sound.", "文本、声音、种子相同，结果就相同。"),
    "dice": ("⚄ New seed", "⚄ 换种子"),
    "speed": ("Speed", "语速"),
    "speed_hint": (
        "The pitch stays.",
        "音高不变。",
    ),
    "lang": ("Digits and signs are read in", "数字和符号的读法"),
    "lang_auto": ("as the text around", "按上下文"),
    "lang_en": ("English", "英语"),
    "lang_zh": ("Chinese", "中文"),
    "advanced": ("Sampling", "采样"),
    "advanced_hint": (
        "Empty means the model's own value, shown in grey.",
        "留空则使用模型自己的值（灰色所示）。",
    ),
    "temperature": ("Temperature, sound", "声音温度"),
    "text_temperature": ("Temperature, text", "文本温度"),
    "top_p": ("Top p", "Top p"),
    "top_k": ("Top k", "Top k"),
    "repetition_penalty": ("Repetition penalty", "重复惩罚"),
    "guidance": ("Guidance", "引导强度"),
    "number_bounds": (
        "{name}: use {low} to {high}, or leave it empty.",
        "{name}：请填 {low} 到 {high}，或留空。",
    ),
    "no_text": ("Type some text first.", "请先输入文本。"),
    "no_server": ("The server cannot be reached.", "无法连接服务器。"),
    "busy": ("The server is busy; try again in {s} s.", "服务器繁忙，请 {s} 秒后再试。"),
    "prompt_good": ("This recording can be used.", "这段录音可以使用。"),
    "prompt_doubtful": ("This recording can be used, but:", "这段录音可以使用，但是："),
    "prompt_bad": ("This recording cannot be used:", "这段录音不能使用："),
    **{f"what_{key}": (text[0].upper() + text[1:], WHAT_ZH[key]) for key, text in WHAT.items()},
    **{f"value_{key}": (text, VALUE_ZH[key]) for key, text in VALUE.items()},
    **{
        f"advice_{key}": (f"{text[0].upper()}{text[1:]}.", ADVICE_ZH[key])
        for key, text in ADVICE.items()
    },
}

_EXAMPLES = (
    "The kettle is on. Would you like some tea?",
    "Dr. Lee paid $3.50 for two tickets at 7:30 pm.",
    "今天天气很好，我们去公园散步吧。",
    "我用 Python 写了 20% 的代码，真的很开心。",
)


def examples(language: str) -> tuple[str, ...]:
    """Texts to try, those of the page's language first."""
    return _EXAMPLES if language == "en" else _EXAMPLES[2:] + _EXAMPLES[:2]


def texts(language: str) -> dict[str, str]:
    """All texts of a language, 'en' or 'zh'.

    Raises:
        KeyError: another language.
    """
    place = {"en": 0, "zh": 1}[language]
    return {key: both[place] for key, both in _BOTH.items()}


def cards(language: str) -> dict[str, str]:
    """Accents and descriptions of shipped voices -> what the page shows of them."""
    return CARDS_ZH if language == "zh" else {}


def preferred(accept_language: str) -> str:
    """'zh' or 'en', whichever a browser's Accept-Language header names first."""
    for part in accept_language.lower().split(","):
        name = part.split(";")[0].strip()[:2]
        if name in LANGUAGES:
            return name
    return "en"


def told(finding: Finding, words: dict[str, str]) -> tuple[str, str, str]:
    """A finding in words: (what, value, advice); the advice is empty where all is well."""
    value = ""
    if finding.case not in UNMEASURED:
        value = words[f"value_{finding.what}"].format(finding.value)
    advice = words[f"advice_{finding.case}"] if finding.case else ""
    return words[f"what_{finding.what}"], value, advice
