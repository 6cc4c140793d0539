"""Names as people in England and Wales bear and write them: folding, diminutives, sounds.

Two small tables carry what no string distance can know: that Peggy is Margaret and that Siôn may be John in an English
office. `sound` is a phonetic key of consonant classes that reads English and Welsh spelling alike, so that
Gruffydd/Griffith, Dafydd/David, Llwyd/Lloyd, Nicholson/Nicolson and ap Rhys/Price meet.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache

from rapidfuzz.distance import OSA
from unidecode import unidecode

from shared.normal.text import listed

LONGEST = 64
"""Characters kept of one folded value: hostile fields may be megabytes, and no real name is longer."""

_DIMINUTIVES = """
abigail abby abbie gail
adam ad
albert bert bertie al
alexander alex alec sandy xander sasha alasdair alistair alastair alister
alexandra alex sandra sandy lexi lexie sasha
alfred alf alfie fred freddie
alice ally alys alicia alison ali
amanda mandy manda
andrew andy drew andreas andras
angela angie ange angharad
ann anne anna annie nan nancy hannah anita nansi
anthony tony antony ant
archibald archie archy
arthur art artie
augustus gus augustine austin
barbara babs barb barbie
bartholomew bart
beatrice bea trixie betrys
benjamin ben benny benji benjy
bernard bernie
brian bryan
bridget biddy bridie
bronwen bron bronwyn branwen
bryn brynley
caroline carol carrie carolyn lina
cadwaladr walter
catherine cathy kate katie kathy kay kitty cath katherine kathryn catrin cadi cati kathleen catharine katharine
ceridwen ceri
charles charlie charley chas chuck siarl carl
charlotte lottie charlie lotte
christine chris chrissie tina christina cristina christiana kirsty
christopher chris kit topher cris
clarence clarry
constance connie
cornelius con neil
cynthia cindy
daniel dan danny deiniol
david dave davey davy dai dafydd dewi deio dei taffy
deborah deb debbie debra
derek del deric
dominic dom nick
donald don donnie
dorothy dot dottie dolly dora dorothea thea
douglas doug
edgar ed
edith edie
edmund ed eddie ned ted edmwnd
edward ed eddie ned ted teddy iorwerth eddy
edwin ed eddie
eleanor nell nellie ellie elinor nora elin lena ellen helen elen
elizabeth liz lizzie beth betty bess bessie betsy eliza elsie libby lisa elspeth lilibet elisabeth bethan betsan leusa
emily em emmy millie emma
emanuel manny
emlyn em
enoch enos
ernest ernie
esther hester essie etty
eugene gene
evan ieuan ifan iefan ianto ewan euan
florence flo florrie flossie
frances fran fanny francesca frankie cissie ffransis
francis frank frankie ffransis
frederick fred freddie freddy fredrick frederic rick fredric freda
gareth gary gaz garth
geoffrey geoff jeff jeffrey sieffre
george georgie sior
gerald gerry jerry gerard gerallt
gertrude gertie trudy
gillian gill jill jillian
giles gil
glyndwr glyn
godfrey geoff
graham gray graeme
gregory greg
griffith gruffydd gruff griff gruffudd guto gito
guinevere gwenhwyfar gwen jennifer
gwendolyn gwen wendy gwendoline gwenllian gwenda
gwilym william gwil
harold harry hal
harriet hattie harriett hetty
hebert herb
henry harry hal hank harri
herbert bert herb bertie
hilda hildegard
hillary hilary
horace horatio
howard howie hywel howell howel
hubert hugh bert
hugh huw hughie hew
ian iain iwan
isaac ike zac
isabel bella isobel isabella belle izzy isabelle ishbel
ivor ifor
jacob jake jac iago
jacqueline jackie jacqui
james jim jimmy jamie jem iago siams jimmie
jane janie jenny janey janet sian jean siani siwan joan joanna
janet jan jenny sioned
jennifer jen jenny jenni
jemima mima
jeremiah jerry jeremy jem
jessica jess jessie
joan joanie siwan joanna
joanna jo joanne joan
john jack johnny jon ioan sion evan ieuan ifan iwan ian jock sean hans jackie johnnie
jonathan jon jonny john jonathon
joseph joe jo joey josef
josephine jo josie fifi
joshua josh
joyce joy
judith judy jude siwdi
julia julie jules juliet juliette
justin jestyn
kenneth ken kenny
laura laurie lowri loretta lora
lawrence larry laurie laurence lauren lars
leonard len leo lenny leonardo
leslie les lesley
lewis louis lou llewelyn llywelyn lew llew ludwig
lilian lily lil lillian lilly
llywelyn llewelyn llewellyn llew lyn lewis llywellyn
louisa lou louise louie luisa
lucy lucille lucinda lleucu luce
luke luc
madeline maddie madeleine madge
magdalene maud magdalen lena magdalena
malcolm mal
margaret maggie meg peggy marge margie greta rita madge daisy mared marged margred mair megan margery marjorie mags megs
mark marc marcus
martha mattie patty marthe
martin marty martyn merfyn
mary molly polly mair mari may mae maria marie mamie minnie moll maureen miriam
matilda tilly maud mattie tilda matty
matthew matt mathew mat matty mathias
maurice morris meurig moss
maximilian max maxwell
megan meg margaret
meredith maredudd
michael mike mick mickey micky mihangel meical mitch
mildred millie milly
miriam mimi mary
morgan mog
myfanwy fanw myf
nancy nan ann
natalie nat natasha tasha
nathaniel nat nathan nate
nicholas nick nicky nicolas nico nicol nicola colin niclas
nicola nicky nic nikki
oliver ollie olly noll
olive olivia livvy olwen
oswald oz ozzie
owen owain
pamela pam
patricia pat patsy trish tricia patty paddy
patrick pat paddy padrig pat
penelope penny pen
percival percy peredur
peter pete pedr petr piers
philip phil pip phillip ffylip
philippa pip pippa
phoebe phebe
phyllis phyl
priscilla cilla prissy
prudence prue
rachel rae rahel ray
ralph rafe
raymond ray
rebecca becky beca becca becks
reginald reg reggie rex
rhys rees rhisiart reece reese
rhiannon rhian
richard rick dick ricky richie rich dickie rhisiart dic
robert rob bob bobby robbie bert robin robat bobbie rab rupert
roderick rod roddy rhydderch
rodney rod
roger rodge hodge
roland rolly rowland rolant
ronald ron ronnie
rosemary rose rosie romy
rose rosie rosa rosalind rhosyn
rowena ron
rufus rhufus
russell russ
ruth ruthie
samantha sam sammy
samuel sam sammy sawyl
sarah sally sal sadie sara sallie
sebastian seb bastian
sheila shelagh sheelagh
sidney sid sydney cyd
simon si simeon
sophia sophie sophy
stanley stan
stephanie steph steff stephie
stephen steve steven stevie steffan stef stephan
susan sue susie suzanne susannah susanna sioned suzy sukey
sylvia sylvie
terence terry tel
thaddeus tad
theodore ted teddy theo tudur tudor
theresa terry tess tessa tracy teresa
thomas tom tommy twm tomos thom
timothy tim timmy timotheus
ursula ursie
valerie val
vera veronica
veronica ronnie vera
victor vic
victoria vicky tori vic vicki buddug queenie
vincent vince vinny
violet vi
virginia ginny ginger
vivian viv vivien vivienne
walter wally walt wat gwallter
wilfred wilf fred
wilhelmina mina minnie billie
william bill will billy willie liam gwilym wil wills willy guillermo wm
winifred winnie freda gwenfrewi fred
zachary zac zach zack zachariah
zoe zowie
"""

WRITTEN = {
    "wm": "william",
    "thos": "thomas",
    "chas": "charles",
    "geo": "george",
    "jas": "james",
    "jos": "joseph",
    "edw": "edward",
    "robt": "robert",
    "richd": "richard",
    "benj": "benjamin",
    "alexr": "alexander",
    "eliz": "elizabeth",
    "saml": "samuel",
    "danl": "daniel",
    "margt": "margaret",
}
"""Abbreviations of clerks, read as the name itself."""

HONORIFICS = listed(
    "mr mrs miss ms mx dr prof professor rev reverend sir dame lord lady capt captain col major sgt cllr hon"
    " fr sr sister master messrs"
)
GENERATIONS = frozenset(["jr", "jnr", "junior", "snr", "senior", "ii", "iii", "iv", "esq"])
PATRONYMICS = frozenset(["ap", "ab", "ferch", "verch", "merch"])
PARTICLES = frozenset(["de", "la", "le", "van", "von", "der", "den", "du", "of", "the", "y"])

_NOT_WORD = re.compile(r"[^a-z0-9]+")
_APOSTROPHE = re.compile(r"['’`´ʼ]")


def fold(text: str) -> str:
    """Text without case, accents, punctuation or control characters: words of a-z and 0-9 parted by single spaces.

    Scripts other than Latin are transliterated. At most `LONGEST` characters come back, whatever goes in.
    """
    text = text[: 4 * LONGEST]
    if not text.isascii():
        text = unidecode(unicodedata.normalize("NFC", text))
    return _NOT_WORD.sub(" ", _APOSTROPHE.sub("", text.lower())).strip()[:LONGEST].strip()


def _groups() -> Mapping[str, tuple[int, int]]:
    found: dict[str, list[int]] = {}
    for number, line in enumerate(_DIMINUTIVES.strip().splitlines(), start=1):
        for name in dict.fromkeys(line.split()):
            found.setdefault(name, []).append(number)
    return {name: (groups[0], groups[1] if len(groups) > 1 else 0) for name, groups in found.items()}


DIMINUTIVES: Mapping[str, tuple[int, int]] = _groups()
"""Folded given name → at most two groups of names that one person may bear; 0 is no group."""


def _shortened(name: str) -> Iterator[str]:
    """The name without one letter, from the last to the first, in which a hand slips least."""
    return (name[:at] + name[at + 1 :] for at in reversed(range(len(name))))


def _nearly() -> Mapping[str, str]:
    known = [name for name in DIMINUTIVES if len(name) > 3]
    found = dict(zip(known, known, strict=True))
    for name in known:
        for near in _shortened(name):
            found.setdefault(near, name)
    return found


_NEARLY = _nearly()
"""What is left of a known given name of four letters or more when one is left out → that name (as SymSpell does it)."""


def diminutives(name: str) -> tuple[int, int]:
    """The groups of a folded given name, or of the known one that it is a slip of the hand from."""
    if name in DIMINUTIVES or len(name) < 4:
        return DIMINUTIVES.get(name, (0, 0))
    meant = next((_NEARLY[near] for near in (name, *_shortened(name)) if near in _NEARLY), "")
    return DIMINUTIVES[meant] if meant and OSA.distance(name, meant, score_cutoff=1) <= 1 else (0, 0)


# Longer spellings first; each consonant sound becomes one capital, vowels become a full stop and vanish at the end.
_SPELLINGS = (
    ("tch", "C"), ("sch", "S"), ("sh", "S"), ("si.", "S."), ("ch", "C"), ("ck", "C"), ("ph", "F"), ("ff", "F"),
    ("dd", "T"), ("th", "T"), ("ll", "L"), ("rh", "R"), ("wr", "R"), ("kn", "N"), ("gn", "N"), ("gh", ""), ("qu", "C"),
    ("ce", "S."), ("ci", "S."), ("cy", "S."), ("x", "CS"),
)  # fmt: skip
_LETTERS = str.maketrans({
    "b": "B", "p": "P", "f": "F", "v": "F", "c": "C", "k": "C", "q": "C", "g": "G", "j": "S", "s": "S", "z": "S",
    "d": "T", "t": "T", "l": "L", "m": "M", "n": "N", "r": "R", "h": "", "w": ".", "a": ".", "e": ".", "i": ".",
    "o": ".", "u": ".", "y": ".", ".": ".", " ": "",
})  # fmt: skip
_SIAN = re.compile(r"si([aoeuw])")
_DOUBLED = re.compile(r"([A-Z])\1+")
_PATRONYMIC = re.compile(r"^(?:ap|ab) ([a-z]+)")


@lru_cache(maxsize=65536)
def sound(name: str) -> str:
    """Phonetic key of one folded name: its consonant classes in order, vowels only when the name begins with one.

    `ap`/`ab` before a name joins it as it did in history: ap Rhys → Price, ab Owen → Bowen.
    """
    if joined := _PATRONYMIC.match(name):
        name = ("b" if joined[1][0] in "aeiouwy" else "p") + joined[1].removeprefix("h")
    text = _SIAN.sub(r"s\1", name)
    for spelling, code in _SPELLINGS:
        text = text.replace(spelling, code)
    code = _DOUBLED.sub(r"\1", text.translate(_LETTERS))
    return ("." if code.startswith(".") else "") + code.replace(".", "")


def given_names(text: str) -> list[str]:
    """The names in a folded given or whole name: honorifics and generations dropped, abbreviations written out."""
    words = [WRITTEN.get(word, word) for word in text.split()]
    kept = [word for word in words if word not in HONORIFICS and word not in GENERATIONS]
    return kept or words
