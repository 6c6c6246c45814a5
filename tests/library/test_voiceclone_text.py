"""Text becomes words and pieces; what cannot be said is one sentence that names file and line."""

import re

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labkit import Stop, storage
from media.sound import Sound
from voiceclone import batch, consent, intake, registry, script, sound, spoken, text, voices

from tests.library.voices import packages


@pytest.fixture(autouse=True)
def num2words():
    packages()


@pytest.mark.parametrize(
    ("language", "before", "after"),
    [
        ("en", "Dr. Smith has 3 cats.", "Doctor Smith has three cats."),
        ("en", "It costs $5, or €3.50.", "It costs five dollars, or three euro, fifty cents."),
        ("en", "1,200 km at 80 km/h", "one thousand, two hundred kilometres at eighty kilometres per hour"),
        ("en", "on 2026-11-20 at 14:30", "on November twentieth, twenty twenty-six at fourteen thirty"),
        ("en", "In 1999 the 21st of 1 m", "In nineteen ninety-nine the twenty-first of one metre"),
        ("en", "-5°C and 3.5%", "minus five degrees Celsius and three point five percent"),
        ("en", "code 007", "code zero zero seven"),
        ("en", "see https://www.example.org/a?b=1.", "see example dot org."),
        ("en", "Fine 🎉 here", "Fine here"),
        ("en", "Nothing to do.", "Nothing to do."),
        ("de", "1.200,5 kg, z. B.", "eintausendzweihundert Komma fünf Kilogramm, zum Beispiel"),
        ("de", "am 3.5.2025", "am dritten Mai zweitausendfünfundzwanzig"),
        ("de", "um 14:30 für 5 €", "um vierzehn Uhr dreißig für fünf Euro"),
        ("fr", "2,5 km pour 10 €", "deux virgule cinq kilomètres pour dix euros"),
        ("es", "25 km y 5 %", "veinticinco kilómetros y cinco por ciento"),
        ("en", "$3.5 million, €1bn", "three point five million dollars, one billion euros"),
        ("en", "10-20 people, 2010–2015", "ten to twenty people, twenty ten to twenty fifteen"),
        ("en", "5 - 3, a score of 3-1", "five - three, a score of three-one"),
        ("en", "the 1990s and '80s", "the nineteen nineties and eighties"),
        ("en", "No. 5? No. Never.", "number five? No. Never."),
        ("en", "St. Mary, Main St.", "Saint Mary, Main Street."),
        ("en", "Apples etc. Then Mr. X Jr. left.", "Apples and so on. Then Mister X Junior left."),
        ("en", "12/25/2026", "December twenty-fifth, twenty twenty-six"),
        ("en", "3/4/2026", "three, four, twenty twenty-six"),
        ("en", "Oct. 3 at 3:00 pm", "October third at three pm"),
        ("en", "call 555-1234", "call five five five, one two three four"),
        ("en", "Louis XIV, World War II", "Louis the fourteenth, World War two"),
        ("en", "the Part I like, 1/2 m²", "the Part I like, one half m²"),
        ("en", "v2.0.3", "v two point zero point three"),
        ("de", "Um 14:30 Uhr, 1:00 Uhr", "Um vierzehn Uhr dreißig, ein Uhr"),
        ("de", "am 3. Oktober, der 3.10.2026", "am dritten Oktober, der dritte Oktober zweitausendsechsundzwanzig"),
        ("de", "der 2. Mann in 1 h", "der zweite Mann in eine Stunde"),
        ("de", "2,5 Mio. € seit 1984", "zwei Komma fünf Millionen Euro seit neunzehnhundertvierundachtzig"),
        ("de", "030 1234567", "null drei null, eins zwei drei vier fünf sechs sieben"),
        ("fr", "1\u202f234,5 km", "mille deux cent trente-quatre virgule cinq kilomètres"),
        ("fr", "1 000-2 000 km", "mille à deux mille kilomètres"),
        ("de", "1 Std., 3 Min.", "eine Stunde, drei Minuten"),
        ("fr", "à 14h30", "à quatorze heures trente"),
        ("fr", "2 millions €, 03/10/2026", "deux millions d'euros, trois octobre deux mille vingt-six"),
        ("it", "1.234,56 €", "milleduecentotrentaquattro euro e cinquantasei centesimi"),
        ("nl", "3,5 km", "drie komma vijf km"),
        ("ja", "1,234円", "千二百三十四 円"),
        ("vi", "5 km, £5", "năm km, £năm"),  # nor Vietnamese money
        ("sw", "Nina vitabu 25", "Nina vitabu 25"),  # num2words has no Swahili: left as it is
    ],
)  # fmt: skip
def test_numbers_units_dates_and_abbreviations_become_words(language, before, after):
    assert text.spoken(before, language)[0] == after


def test_every_change_is_told_for_the_preview():
    _, changes = text.spoken("Mr. X has 3 🎉", "en")
    assert ("Mr.", "Mister") in changes and ("3", "three") in changes and ("🎉", "") in changes


def test_roman_numerals_are_read_and_other_letters_are_not():
    from voiceclone import phrases

    assert [phrases.roman(told) for told in ("I", "IV", "IX", "XIV", "XL", "XC", "CLIX")] == [1, 4, 9, 14, 40, 90, 159]
    for told in ("IIII", "IC", "VX"):
        with pytest.raises(ValueError):
            phrases.roman(told)


@given(st.text(st.sampled_from("ab é, .!?;:\n中ё'"), max_size=900))
def test_no_piece_is_longer_than_200_and_no_letter_is_lost(content):
    made = text.pieces(content)
    assert all(0 < len(piece) <= 200 for piece, _ in made)

    def letters(string):
        return re.sub(r"[\W_]", "", string)

    assert "".join(letters(piece) for piece, _ in made) == letters(content)
    assert all(pause in (0.15, 0.45) for _, pause in made)


def test_pieces_end_at_sentences_and_a_word_alone_is_put_to_the_next():
    made = [
        p for p, _ in text.pieces("Hello! This is a sentence of usual length, as people write. And J. Smith another.")
    ]
    assert made == ["Hello! This is a sentence of usual length, as people write.", "And J. Smith another."]


@pytest.mark.parametrize(
    ("content", "language", "said"),
    [
        ("", "en", "the text is empty"),
        ("  \n", "en", "the text is empty"),
        ("🎉🎉", "en", "has no words in it"),
        ("Привет, мир", "en", "mostly Cyrillic, and LANGUAGE says 'en'"),
        ("Good morning to you", "ja", None),
        ("你好", "zh", None),
    ],
)
def test_a_text_that_cannot_be_said_is_one_sentence(content, language, said):
    if said is None:
        assert text.judge(content, language) == []
    else:
        with pytest.raises(Stop, match=said):
            text.judge(content, language)


def test_a_few_letters_of_another_script_are_a_remark():
    assert "Cyrillic" in text.judge("Hello Привет, my dear friends", "en")[0]


def test_an_hour_of_text_is_cut_and_its_length_is_told():
    items, changes, remarks = script.items(
        [script.Line("speech", "", "A sentence of fifty letters, more or less, it is. " * 1100)], "en"
    )
    assert len(items) > 400 and 45 < script.minutes(items) < 75
    assert "minutes of speech" in script.preview(items, changes, remarks)


def test_lines_with_names_are_a_script():
    made = script.lines("Anna: Hello there.\nBen: And hello to you,\nfrom here.\nAnna: Bye.")
    assert [(line.speaker, line.text) for line in made] == [
        ("Anna", "Hello there."), ("Ben", "And hello to you,\nfrom here."), ("Anna", "Bye."),
    ]  # fmt: skip
    assert script.lines("Note: this is one sentence only.")[0].speaker == ""


def test_subtitles_have_times_and_tables_have_rows(tmp_path):
    (tmp_path / "a.srt").write_text(
        "1\n00:00:01,000 --> 00:00:02,500\n<i>Hello</i>\nthere.\n\n2\n00:00:03,000 --> 00:00:05,000\nBen: Yes.\n"
    )
    made = script.lines("", str(tmp_path / "a.srt"))
    assert [(m.begin, m.end, m.speaker, m.text) for m in made] == [(1, 2.5, "", "Hello there."), (3, 5, "Ben", "Yes.")]
    times = ["00:00:01,000 --> 00:00:02,500", "00:00:03,000 --> 00:00:05,000"]
    odd = (
        f"1\n{times[0]}\nHello\nthere.\n2\n{times[1]}\nBen: Yes.",  # no blank line between
        f"1\n{times[0]}\nHello\n\nthere.\n\n2\n{times[1]}\nBen: Yes.",  # and one too many
        f"{times[0]}\nHello there.\n{times[1]}\nBen: Yes.",
        "WEBVTT - a title\nKind: captions\n\nNOTE not said\n\nintro\n00:01.000 --> 00:02.500 align:start\n"
        "<c.loud>Hello\nthere.\n\n00:03.000 --> 00:05.000\nBen: Yes.\n",
    )
    for name, content in zip(("b.srt", "c.srt", "d.srt", "e.vtt"), odd, strict=True):
        (tmp_path / name).write_text(content)
        read = script.lines("", str(tmp_path / name))
        assert [(m.begin, m.end, m.speaker, " ".join(m.text.split())) for m in read] == [
            (m.begin, m.end, m.speaker, m.text) for m in made
        ], name
    (tmp_path / "f.vtt").write_text("WEBVTT\n\n00:01.000 --> 00:02.000\n<v.loud Eve B.>Hi: <i>you</i></v>\n")
    assert [(m.speaker, m.text) for m in script.lines("", str(tmp_path / "f.vtt"))] == [("Eve B.", "Hi: you")]
    (tmp_path / "a.csv").write_text("name,text,seed,speed\none,First.,7,1.2\n,Second.,,\n,,,\n")
    made = script.lines("", str(tmp_path / "a.csv"))
    assert [(m.recording, m.seed, m.speed) for m in made] == [("one", 7, 1.2), ("a-002", None, None)]
    items, _, _ = script.items(made, "en", speed=0.9, seed=3)
    assert [(i["seed"], i["speed"]) for i in items] == [(7, 1.2), (3, 0.9)]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"\x89PNG\r\n\x1a\n\x00\xff", "no text in UTF-8"),
        ("a.txt", b"a\0b", "is no text"),
        ("a.docx", b"text", "is no text: give a .txt"),
        ("a.srt", b"Hello", "'Hello' has no times"),
        ("a.srt", b"1\n00:00:05,000 --> 00:00:03,000\nHello", "ends before it begins"),
        ("a.csv", b"name,words\na,b", "no column 'text'"),
        ("a.csv", b"text,seed\nHello,seven", "a.csv:2: seed should be a number"),
        ("a.csv", b"name,text\na,One\na,Two", "uses the name 'a' twice"),
        ("a.csv", b"text\n \n", "no row with text"),
        ("a.csv", b"", "no column 'text'"),
        ("a.csv", b"text\nHello, there", "a.csv:2 has more cells than the first line has names.*double quotes"),
        ("a.csv", b'text\n"Hello', "a.csv:1 is no row of a table.*mend its double quotes"),
        ("a.csv", b"text,speed\nHello,0", "a.csv:2: speed must be 0.5 to 2, not '0'"),
        ("a.csv", b"name,text\na,One\nA,Two", "uses the name 'a' twice"),
        ("a.srt", b"", "has no subtitles in it"),
        ("a.srt", b"1\n-00:00:05,000 --> 00:00:03,000\nHello", "has no times"),
        ("a.srt", b"1\n00:00:05,000 --> 00:00:07,000\nA\n\n2\n99:00:05,000 --> 99:00:07,000\nB", "cut it in parts"),
        ("a.txt", b"x" * 2_000_001, "cut it in parts"),
        ("a.csv", "text\nSchön".encode("cp1252"), "no text in UTF-8 .*or CSV, in UTF-8"),
        ("a.csv", b"text,seed\nHello,-1", "a.csv:2: seed must be 0 to 2147483647, not '-1'"),
        ("a.csv", b"text,name,Text\na,b,c", "has two columns 'text'"),
    ],
)
def test_a_bad_file_is_one_sentence_with_its_name(name, content, said, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Stop, match=said):
        script.lines("", str(tmp_path / name))


def test_tables_are_read_as_spreadsheets_write_them(tmp_path):
    def rows(content):
        (tmp_path / "a.csv").write_bytes(content.encode())
        return [(line.recording, line.text, line.speed) for line in script.lines("", str(tmp_path / "a.csv"))]

    assert rows("\ufeffName;Text;Speed\r\na;Hallo, du;1,2\r\n") == [("a", "Hallo, du", 1.2)]
    (tmp_path / "a.csv").write_bytes("name\ttext\na\tÖl\n".encode("utf-16"))  # "Unicode text"
    assert [line.text for line in script.lines("", str(tmp_path / "a.csv"))] == ["Öl"]
    assert rows("name,text\ne\u0301,Hello\n")[0][0] == "é"
    assert rows("name\ttext\na\tHello\n") == [("a", "Hello", None)]
    assert rows("sep=;\r\nname;text\r\na;Hello\r\n") == [("a", "Hello", None)]
    (tmp_path / "a.tsv").write_text("text\tname\nHello\ta\n")
    assert script.lines("", str(tmp_path / "a.tsv"))[0].recording == "a"
    assert rows('name,text\na,"One line\nand another"\n') == [("a", "One line\nand another", None)]
    assert rows(f"name,text\n{'x' * 300},Hello\n../../etc,Hello\n")[1][0] == "etc"
    assert rows("name,text\nmeasures,Hello\n")[0][0] != "measures"  # that is a file of the notebook's own


def test_subtitles_that_overlap_and_old_line_ends_are_read(tmp_path):
    overlap = "1\r00:00:01,000 --> 00:00:05,000\rHello.\r\r2\r00:00:03,000 --> 00:00:07,000\rÉva: Over it.\r"
    (tmp_path / "a.srt").write_bytes(overlap.encode())
    assert [(m.begin, m.speaker) for m in script.lines("", str(tmp_path / "a.srt"))] == [(1, ""), (3, "Éva")]


def test_names_in_any_alphabet_are_speakers_and_small_words_are_not():
    assert [line.speaker for line in script.lines("Östen: Hello.\n李: Hi.\n[Dr. X] Well.")] == ["Östen", "李", "Dr. X"]
    assert len(script.lines("see: this\nand: that")) == 1


def test_more_than_an_hour_becomes_several_recordings():
    long = [script.Line("speech", "", "A sentence of fifty letters, more or less, it is. " * 2400)]
    made = script.items(long, "en")[0]
    assert list(dict.fromkeys(item["recording"] for item in made)) == ["speech", "speech-part-02", "speech-part-03"]
    for name in ("speech", "speech-part-02"):
        assert script.minutes([item for item in made if item["recording"] == name]) < 61


def test_a_language_is_understood_as_people_write_it():
    assert [text.language(told) for told in (" EN ", "en-US", "pt_BR", "nb", "zh-Hans")] == [
        "en",
        "en",
        "pt",
        "no",
        "zh",
    ]


def test_control_characters_are_left_out():
    assert text.spoken("a\x00b \x1b[1mred\rblue", "en")[0] == "a b [ one mred\nblue"


def test_a_missing_file_and_an_odd_speed_are_told(tmp_path):
    with pytest.raises(Stop, match="cannot be read"):
        script.lines("", str(tmp_path / "nope.txt"))
    for speed, seed, said in (
        (3, 0, "SPEED must be from 0.5 to 2, not 3"),
        ("1", 0, "SPEED"),
        (1.0, -1, "SEED must be"),
    ):
        with pytest.raises(Stop, match=said):
            script.items([script.Line("a", "", "Hello")], "en", speed, seed)


def test_what_has_nothing_to_say_is_left_out_with_a_remark(tmp_path):
    (tmp_path / "a.srt").write_text(
        "1\n00:00:01,000 --> 00:00:02,000\nHello.\n\n2\n00:00:03,000 --> 00:00:04,000\n♪♪\n"
    )
    (tmp_path / "a.csv").write_text("text\nHello.\n🎉\n...\n")
    for name, where in (("a.srt", ["a.srt, subtitle 2"]), ("a.csv", ["a.csv:3", "a.csv:4"])):
        items, _, remarks = script.items(script.lines("", str(tmp_path / name)), "en")
        assert [item["text"] for item in items] == ["Hello."]
        assert [remark.partition(" has nothing to say")[0] for remark in remarks] == where
    (tmp_path / "b.csv").write_text("text\nHello.\nПривет мир\n")
    with pytest.raises(Stop, match="b.csv:3: the text is mostly Cyrillic"):
        script.items(script.lines("", str(tmp_path / "b.csv")), "en")


def test_with_speakers_one_line_is_a_script_and_a_typed_line_break_counts():
    assert script.lines("Anna: Hello.")[0].speaker == ""
    assert [(m.speaker, m.text) for m in script.lines("Anna: Hello.", "", ["Anna"])] == [("Anna", "Hello.")]
    assert [m.speaker for m in script.lines(r"Anna: Hello.\nBen: Hi.")] == ["Anna", "Ben"]
    lines = script.lines("Anna: Hello.\nNote: this is none.", "", ["Anna"])
    with pytest.raises(Stop, match=r"without a voice \(Note\).*write a space before the colon \('Note :'\)"):
        intake.missing(lines, {"": "sample", "Anna": "a.wav"})
    assert len(script.lines("Anna: Hello.\nNote : this is none.", "", ["Anna"])) == 1


def test_what_is_not_made_yet_is_one_line(tmp_path):
    (tmp_path / "sentences").mkdir()
    sound.write(tmp_path / "sentences" / "take-1.wav", Sound(numpy.ones(4800, numpy.float32) * 0.1, 48000))
    item = {"recording": "speech", "text": "Hello.", "pause": 0.1, "begin": None, "speaker": ""}
    done = {"state": "done", "files": {"take-1.wav": 1}, "made": {"check": ""}}
    made = batch.Run([done, *[{"state": "queued"}] * 38], 0.0)
    where = storage.Folders(tmp_path, tmp_path, None, True)
    [(_, (_, notes))] = batch.recordings([item] * 39, made, where)
    assert notes == ["38 of 39 sentences are not made yet: run all goes on with what is left"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: script.lines(42), "^TEXT is given as words in quotes, not as 42"),
        (lambda: text.language(5), "LANGUAGE is two letters, such as en, de or fr, not 5"),
        (lambda: text.language("English"), "LANGUAGE is two letters, .*not 'English'"),
        (lambda: intake.is_ours(None), "a voice is given as words in quotes, not as None"),
        (lambda: consent.each(["Ben"], 5, "my own voice"), "^WHOSE_VOICE is given as words"),
        (lambda: voices.kept_as(5, False), "^KEEP_AS is given as words"),
        (lambda: spoken.possible(["ask"], False), "SPOKEN_CONSENT is given as words"),
        (lambda: voices.transcript_told(None, False), "TRANSCRIPT is given as words"),
        (lambda: script.lines("", "https://example.com/a.txt"), "'https://example.com/a.txt' is an address"),
        (lambda: consent.each(["", "Ben"], "Ben = A; Ben = B", "my own voice"), "WHOSE_VOICE names Ben twice"),
        (lambda: script.items([script.Line("a", "", "🎉🎉")], "en"), "'🎉🎉' has no words in it"),
        (lambda: script.items([script.Line("a", "", "Hi")], "en", 1.0, 2**31), "from 0 to 2147483647, not 2147483648"),
        (lambda: text.number(-5, "STOP_AFTER", 0, 100_000), "STOP_AFTER must be from 0 to 100000, not -5"),
    ],
)
def test_a_setting_of_another_kind_is_one_sentence(call, said):
    with pytest.raises(Stop, match=said):
        call()


def test_a_quick_test_claims_what_was_made():
    assert "the whole way works" in batch.tested({"done": 2, "asked": 2, "seconds": 3.0})
    assert "0 of 2 pieces" in batch.tested({"done": 0, "asked": 2, "seconds": 0})


def test_capitals_do_not_matter():
    assert voices.transcript_told(" Auto ", False) == "auto" and spoken.possible("Ask ", False) == "ask"
    assert intake.is_ours("Sample") and intake.is_kept("Kept:Ben") == "Ben"
    assert registry.choose("VoxCPM2", "en", 15.0, 12.0, False, True).name == "voxcpm2"
