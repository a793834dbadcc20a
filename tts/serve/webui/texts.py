"""What the page says, in English and Chinese."""

from __future__ import annotations

from tts.serve.reference import Finding

LANGUAGES = ("en", "zh")

_BOTH: dict[str, tuple[str, str]] = {
    "tagline": ("Text to speech on your own computer", "在你自己的电脑上，把文字变成声音"),
    "other_language": ("中文", "English"),
    "theme": ("Light or dark", "浅色或深色"),
    "api": ("API", "接口"),
    "text": ("Text", "文本"),
    "text_hint": (
        "Type or paste text, English or Chinese. Ctrl+Enter speaks, Esc stops.",
        "输入或粘贴中文、英文文本。按 Ctrl+Enter 朗读，按 Esc 停止。",
    ),
    "examples": ("Examples", "示例"),
    "voice": ("Voice", "声音"),
    "voices_none": ("No voice yet: add a recording below.", "还没有声音：请在下面添加录音。"),
    "play_voice": ("Play voice {name}", "试听声音 {name}"),
    "delete_voice": ("Delete voice {name}", "删除声音 {name}"),
    "delete_sure": ("Delete voice {name}?", "要删除声音 {name} 吗？"),
    "deleted": ("Voice {name} is deleted.", "声音 {name} 已删除。"),
    "own_voice": ("My recording", "我的录音"),
    "prompt": ("Speak like a recording", "模仿一段录音"),
    "prompt_audio": ("Recording: 1.5 to 3 s of clear speech", "录音：1.5 到 3 秒清晰的语音"),
    "transcript": ("What is said in it (optional)", "录音里说的话（可不填）"),
    "check": ("Check the recording", "检查录音"),
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
    "said_format": ("pinyin, ARPAbet or IPA", "拼音、ARPAbet 或国际音标"),
    "apply": ("Apply", "应用"),
    "reset": ("As before", "还原"),
    "cancel": ("Cancel", "取消"),
    "result": ("Result", "结果"),
    "nothing_yet": ("Nothing spoken yet.", "还没有朗读。"),
    "waiting": ("Waiting, {n} before you", "排队中，前面还有 {n} 个"),
    "starting": ("Starting", "开始"),
    "progress": ("{frames} of about {total} frames", "第 {frames} 帧，共约 {total} 帧"),
    "piece_of": ("piece {n} of {total}", "第 {n} 段，共 {total} 段"),
    "done": ("Done", "完成"),
    "stopped": ("Stopped", "已停止"),
    "failed": ("Failed", "失败"),
    "download": ("Download", "下载"),
    "duration": ("duration", "时长"),
    "rtf": ("RTF", "实时率"),
    "rtf_hint": ("computing time over duration", "计算时间与时长之比"),
    "ttfa": ("first sound after", "首声延迟"),
    "seed": ("seed", "种子"),
    "again": ("Again with this seed", "用这个种子再来"),
    "waveform": ("Waveform of the result", "结果的波形"),
    "pieces": ("Pieces", "分段"),
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
    "quality": ("Quality: codebooks", "音质（码本数）"),
    "quality_cost": (
        "{n} of {total}: about {rtf} s of computing per second of speech",
        "{n}/{total}：每秒语音约需 {rtf} 秒计算",
    ),
    "quality_unknown": (
        "{n} of {total}; fewer are faster and rougher",
        "{n}/{total}；越少越快，也越粗糙",
    ),
    "seed_field": ("Seed", "种子"),
    "seed_hint": ("same text, voice and seed: same sound", "文本、声音、种子相同，结果就相同"),
    "dice": ("⚄ New seed", "⚄ 换种子"),
    "speed": ("Speed", "语速"),
    "speed_hint": (
        "The pitch stays.",
        "对生成的声音做变速，音高不变。",
    ),
    "lang": ("Digits and signs are read in", "数字和符号的读法"),
    "lang_auto": ("as the text around", "按上下文"),
    "lang_en": ("English", "英语"),
    "lang_zh": ("Chinese", "中文"),
    "advanced": ("Advanced: sampling", "高级：采样"),
    "advanced_hint": ("Empty fields mean what suits the model.", "留空则使用模型的默认值。"),
    "temperature": ("Temperature, sound", "声音温度"),
    "text_temperature": ("Temperature, text", "文本温度"),
    "top_p": ("Top p", "Top p"),
    "top_k": ("Top k", "Top k"),
    "repetition_penalty": ("Repetition penalty", "重复惩罚"),
    "no_text": ("Type some text first.", "请先输入文本。"),
    "no_server": ("The server cannot be reached.", "无法连接服务器。"),
    "busy": ("The server is busy; try again in {s} s.", "服务器繁忙，请 {s} 秒后再试。"),
    "what_length": ("Length", "长度"),
    "what_clipping": ("Clipping", "削波"),
    "what_level": ("Level", "音量"),
    "what_noise": ("Noise", "噪声"),
    "what_silence": ("Silence", "静音"),
    "what_transcript": ("Transcript", "文字"),
    "value_length": ("{0:.1f} s of speech", "{0:.1f} 秒语音"),
    "value_clipping": ("{0:.2%} of the samples", "占样本的 {0:.2%}"),
    "value_level": ("{0:.0f} dBFS", "{0:.0f} dBFS"),
    "value_noise": ("{0:.0f} dB above the noise", "高出噪声 {0:.0f} dB"),
    "value_silence": ("{0:.0%} of the time", "占时长的 {0:.0%}"),
    "value_transcript": ("{0:.0f} letters per second", "每秒 {0:.0f} 个字母"),
    "advice_too_short": ("Too short: record at least 1 s.", "太短：请至少录 1 秒。"),
    "advice_short": ("Short: 1.5 to 3 s sound better.", "偏短：1.5 到 3 秒效果更好。"),
    "advice_long": (
        "Long: only the first 3 to 4 s are used, without the transcript.",
        "偏长：只使用开头 3 到 4 秒，且不使用文字。",
    ),
    "advice_clipped": (
        "Overdriven: record again, softer or farther from the microphone.",
        "过载：请小声一点或离麦克风远一点，重新录制。",
    ),
    "advice_silent": ("Nothing can be heard: check the microphone.", "听不到声音：请检查麦克风。"),
    "advice_quiet": ("Very soft: go nearer to the microphone.", "声音太小：请靠近麦克风。"),
    "advice_loud": ("Very loud: go farther from the microphone.", "声音太大：请离麦克风远一点。"),
    "advice_noisy": (
        "Noisy: record in a quiet room, without music or fan.",
        "噪声大：请在安静的房间录制，关掉音乐和风扇。",
    ),
    "advice_gaps": ("Long silences: cut them out.", "静音太长：请剪掉。"),
    "advice_mixed": (
        "More than one language: a recording in one language works better.",
        "包含多种语言：只用一种语言的录音效果更好。",
    ),
    "advice_mismatch": (
        "Does not fit the length: write exactly what is said, or leave it empty.",
        "与录音长度不符：请准确填写所说的话，或留空。",
    ),
    "advice_no_words": ("Holds no words: leave it empty.", "没有文字内容：请留空。"),
    "prompt_good": ("This recording can be used.", "这段录音可以使用。"),
    "prompt_doubtful": ("This recording can be used, but:", "这段录音可以使用，但是："),
    "prompt_bad": ("This recording cannot be used:", "这段录音不能使用："),
}

EXAMPLES = (
    "The kettle is on. Would you like some tea?",
    "Dr. Lee paid $3.50 for two tickets at 7:30 pm.",
    "今天天气很好，我们去公园散步吧。",
    "我用 Python 写了 20% 的代码，真的很开心。",
)


def texts(language: str) -> dict[str, str]:
    """All texts of a language, 'en' or 'zh'.

    Raises:
        KeyError: another language.
    """
    place = {"en": 0, "zh": 1}[language]
    return {key: both[place] for key, both in _BOTH.items()}


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
    if finding.case not in ("silent", "mixed", "no_words"):
        value = words[f"value_{finding.what}"].format(finding.value)
    advice = words[f"advice_{finding.case}"] if finding.case else ""
    return words[f"what_{finding.what}"], value, advice
