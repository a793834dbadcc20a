"""What went wrong, in the page's language: the API's messages are English."""

from __future__ import annotations

import re

from tts.serve.errors import ApiError

# By code. {0}, {1} … are the numbers in the English message; `detail` is all of it, for what only
# the message tells: which word, which file.
_CHINESE = {
    "empty_text": "没有可以朗读的内容：请至少输入一个字母、数字或汉字。",
    "too_long": "文本有 {0} 个字符，上限是 {1} 个：请分成几段。",
    "wrong_markup": "读音标记写错了，请修改：{detail}",
    "unknown_voice": "没有这个声音，请另选一个。",
    "voice": "这段录音或这个声音不能使用：{detail}",
    "recording": "这个文件不能用作录音，请换一个完好的录音文件：{detail}",
    "storage": "无法保存：{detail}",
    "not_found": "结果已不再保留，请重新朗读或重新上传录音。",
    "too_many_requests": "你已有 {0} 个请求在排队，请等其中一个完成。",
    "server_busy": "服务器正忙，请稍后再试。",
    "too_large": "内容太大，上限是 {0} 字节。",
    "no_sound": "模型没有发出声音，请换一个种子再试。",
    "unauthorized": "请输入这个服务器的用户名和密码，或密钥。",
    "cross_origin": "服务器不接受来自其他网站的请求。",
    "internal": "服务器内部出错，详情见它的日志。",
}
_OTHER = "请求无法完成：{detail}"
# Messages of one code that need words of their own, by a part of them.
_CASES = {
    "too short": "录音太短（{0} 秒）：请录 1 到 30 秒清晰的语音。",
    "too long": "录音太长：请剪出 30 秒以内最好的部分。",
    "is silent": "录音里没有声音：请检查麦克风。",
    "no speech": "录音里没有人声，只有噪声或单调的声音。",
    "not silence": "录音里有声音的部分只有 {0} 秒：请录 1 到 30 秒清晰的语音。",
    "no samples": "文件里没有声音。",
    "file is empty": "文件是空的。",
    "not a recording": "这不是可以读取的录音，请使用 wav、flac、mp3、ogg、opus、m4a、aac 或 webm。",
    "cannot be decoded": "录音无法解码，请使用完好的文件。",
    "exists already": "这个名字已经有了，请换一个。",
    "is not allowed": "名字只能用 1 到 40 个 a-z、0-9、_ 和 -。",
    "not kept any more": "结果或录音已不再保留，请重新生成或重新上传。",
}
# Remarks on a text that is spoken all the same.
_REMARKS = (
    (re.compile(r"not spoken: (.*); English and Chinese are"), "没有朗读 {0}：只能朗读中英文"),
    (re.compile(r"dropped (.*) \((U\+[0-9A-F]+)\)"), "已略去字符 {0}（{1}）"),
    (re.compile(r"SSML: (.*) is left out of account"), "SSML 中的 {0} 没有采用"),
    (
        re.compile(r"without a voice each of the (\d+) pieces may get its own.*"),
        "没有选声音，{0} 段文字的声音可能各不相同：请选一个声音或上传一段录音。",
    ),
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def in_words(language: str, code: str, message: str) -> str:
    """The message of an error in a language of the page.

    Args:
        language: 'en' or 'zh'.
        code: as the API gives it.
        message: in English.
    """
    if language != "zh":
        return message
    case = next((words for part, words in _CASES.items() if part in message), None)
    template = case or _CHINESE.get(code, _OTHER)
    numbers = [*_NUMBER.findall(message), "?", "?"]
    return template.format(*numbers, detail=message)


def error_in_words(error: ApiError, language: str) -> str:
    """The same of an error of the API."""
    return in_words(language, error.code, error.message)


def note_in_words(language: str, note: str) -> str:
    """A remark on a text, which the front end writes in English, in a language of the page."""
    if language == "zh":
        for pattern, template in _REMARKS:
            if match := pattern.fullmatch(note):
                return template.format(*match.groups())
    return note
