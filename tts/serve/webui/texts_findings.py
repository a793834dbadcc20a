"""The words of `prompt_findings` in Chinese, and of the descriptions of shipped voices."""

from __future__ import annotations

from tts.inference.prompt_findings import (
    CUT_FROM_S,
    CUT_TO_S,
    GOOD_SPEECH_S,
    MIN_PROMPT_S,
    WHOLE_PROMPT_S,
)

WHAT_ZH = {
    "length": "长度",
    "clipping": "削波",
    "level": "音量",
    "offset": "直流偏移",
    "noise": "噪声",
    "silence": "静音",
    "music": "音乐",
    "transcript": "文字",
}
VALUE_ZH = {
    "length": "{0:.1f} 秒语音",
    "clipping": "占样本的 {0:.2%}",
    "level": "{0:.0f} dBFS",
    "offset": "满幅的 {0:.1%}",
    "noise": "高出噪声 {0:.0f} dB",
    "silence": "占时长的 {0:.0%}",
    "music": "{0:.0%} 的时间里有持续的音",
    "transcript": "每秒 {0:.0f} 个字母",
}
ADVICE_ZH = {
    "too_short": f"太短：请至少录 {MIN_PROMPT_S:g} 秒。",
    "short": f"偏短：{GOOD_SPEECH_S:g} 到 {WHOLE_PROMPT_S:g} 秒效果更好。",
    "long": f"偏长：只使用开头 {CUT_FROM_S:g} 到 {CUT_TO_S:g} 秒，且不使用文字。",
    "clipped": "过载：请小声一点或离麦克风远一点，重新录制。",
    "silent": "听不到声音：请检查麦克风。",
    "quiet": "声音太小：请靠近麦克风。",
    "loud": "声音太大：请离麦克风远一点。",
    "offset": "麦克风或声卡加入了直流分量：请换一个，或先滤掉。",
    "noisy": "噪声大：请在安静的房间录制，关掉音乐和风扇。",
    "no_speech": "没有人声，只有噪声或一个持续的声音：请录下人声。",
    "music": "有音乐或持续的音：请只录人声。",
    "gaps": "静音太长：请剪掉。",
    "mixed": "包含多种语言：只用一种语言的录音效果更好。",
    "mismatch": "与录音长度不符：请准确填写所说的话，或留空。",
    "no_words": "没有文字内容：请留空。",
}
# Of voices' cards: accents and descriptions as their files give them (recipes/voices.toml).
CARDS_ZH = {
    "American": "美式英语",
    "British": "英式英语",
    "standard Mandarin": "标准普通话",
    "warm and clear, an even storyteller": "温暖清晰，娓娓道来",
    "calm and friendly, an announcer next door": "平和亲切，像邻家播音员",
    "bright and exact, reads the news": "明亮准确，适合新闻",
    "young and light, close to the microphone": "年轻轻柔，贴近耳边",
    "deep and slow, a documentary's narrator": "低沉舒缓，纪录片旁白",
    "young and brisk, explains things": "年轻利落，善于讲解",
    "composed and low, reads audiobooks": "沉稳低缓，适合有声书",
    "soft and young, a bedtime voice": "柔和年轻，睡前故事",
    "clipped and serious, a radio newsreader": "干脆严肃，电台新闻",
    "lively and warm, tells tales": "活泼温暖，爱讲故事",
    "friendly and clear, an everyday voice": "亲切清晰，日常之声",
    "young and easy-going": "年轻随和",
    "bright and quick": "明快爽利",
    "strong and low, a sports reporter": "浑厚有力，体育解说",
}
