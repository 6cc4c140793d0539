"""Names as they fall in a region on the Welsh border: by community, sex and generation.

Frequencies are rounded from what is commonly published of Welsh and English surnames (Jones, Davies and Williams lead)
and of given names by decade; the figure after a name is its relative weight, 1 when there is none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Literal

Sex = Literal["F", "M"]
Community = Literal["welsh", "english", "south_asian", "polish", "other"]
Generation = Literal["old", "middle", "young"]

COMMUNITIES: Mapping[Community, int] = {"welsh": 34, "english": 49, "south_asian": 6, "polish": 4, "other": 7}


@dataclass(frozen=True, slots=True)
class Weighted:
    """Names with cumulative weights, ready to be drawn from."""

    names: Sequence[str]
    cumulative: Sequence[int]

    def draw(self, rng: Random) -> str:
        return rng.choices(self.names, cum_weights=self.cumulative)[0]


def _weighted(text: str) -> Weighted:
    names, weights = [], []
    for item in text.split():
        name, _, weight = item.partition(":")
        names.append(name.replace("_", " "))
        weights.append(int(weight or 1))
    return Weighted(names, list(accumulate(weights)))


SURNAMES: Mapping[Community, Weighted] = {
    "welsh": _weighted(
        "Jones:290 Davies:190 Williams:185 Evans:130 Thomas:125 Roberts:80 Lewis:75 Hughes:72 Morgan:70 Griffiths:64"
        " Edwards:52 Owen:46 James:44 Rees:42 Price:40 Morris:34 Richards:33 Lloyd:32 Phillips:31 Parry:28 Powell:27"
        " Jenkins:27 Harries:10 Watkins:19 Bowen:14 Pugh:14 Ellis:14 Rowlands:12 Humphreys:11 Vaughan:11 Howells:11"
        " Llewellyn:9 Llywelyn:3 Prosser:8 Probert:7 Bevan:9 Pritchard:9 Beynon:5 Gwilym:3 Gruffydd:5 Gruffudd:2"
        " Prys:2 Rhys:5 Nicholas:5 Hopkins:7 Hopkin:2 Protheroe:3 Meredith:5 Tudor:3 Breese:2 Bebb:2 Gittins:4"
        " Goodwin:3 Francis:6 Samuel:4 Daniel:4 Isaac:2 Mathias:3 Matthews:5 Michael:2 Anwyl:1 Eynon:1 Penry:1"
        " ap_Rhys:2 ap_Gwilym:2 ap_Dafydd:1 ab_Owain:2 ab_Iorwerth:1 ap_Huw:1 Wynne:4 Wyn:2 Gwynne:3 Mostyn:1"
        " Cadwaladr:1 Caradog:1 Sion:1 Deiniol:1 Emlyn:1 Tomos:3 Ifans:2 Dafis:1 Siôn:1 Môn:1"
    ),
    "english": _weighted(
        "Smith:125 Jones:70 Taylor:58 Brown:55 Davies:48 Wilson:40 Johnson:36 Williams:45 Wood:34 Wright:33 Walker:33"
        " White:32 Green:32 Hall:30 Robinson:30 Thompson:29 Clarke:28 Turner:27 Cooper:27 Hill:27 Ward:26 Baker:26"
        " Harris:25 Martin:25 Jackson:25 Harrison:22 Moore:22 Clark:21 King:21 Allen:19 Watson:19 Parker:19 Bennett:18"
        " Cook:18 Carter:17 Shaw:16 Bailey:16 Collins:15 Marshall:15 Adams:15 Simpson:14 Cox:14 Mills:13 Webb:13"
        " Chapman:12 Gibson:11 Barnes:11 Fisher:11 Palmer:11 Barker:11 Knight:11 Holmes:11 Rogers:10 Stevens:10"
        " Butler:10 Lowe:9 Mason:9 Hunt:9 Preece:12 Bufton:9 Lawrence:8 Dean:8 Pearson:8 Fletcher:8 Gardner:7 Perry:7"
        " Nicholson:5 Nicolson:2 Nicholls:5 Nichols:3 Stephens:7 Stephenson:4 Philips:2 Read:3 Reid:4 Reade:1"
        " Thomson:3 Thomas:26 Evans:30 Clayton:4 Hewitt:4 Hughes:16 Lane:5 Payne:5 Pearce:5 Brooks:6 Rowe:4 Bishop:5"
        " Corfield:4 Bright:3 Hodges:4 Weale:3 Whittall:3 Hamer:3 Onions:2 Wall:4 Ruscoe:2 Jarman:3 Tipton:2 Bowker:1"
        " Cholmondeley:1 Featherstonehaugh:1 Ravenscroft:1 Thornycroft:1 Goodfellow:2 Underhill:2 Moreton:2 Deakin:3"
        " O'Brien:4 O'Connor:4 Murphy:7 Kelly:7 Ryan:4 Doyle:2 Byrne:2 McCarthy:3 MacDonald:3 McDonald:4 Campbell:6"
        " Stewart:4 Stuart:2 Scott:8 Young:8 Mitchell:9 Kaye:1 Kay:2 Lee:8 Leigh:2 Lea:1"
    ),
    "south_asian": _weighted(
        "Khan:22 Ahmed:16 Ali:16 Hussain:15 Begum:6 Patel:20 Singh:18 Kaur:10 Shah:8 Miah:6 Islam:6 Rahman:8 Akhtar:5"
        " Malik:6 Iqbal:6 Sharma:6 Gill:5 Chowdhury:5 Choudhury:3 Uddin:5 Hassan:4 Mahmood:5 Mohammed:6 Bhatti:2"
        " Sandhu:3 Dhillon:2 Joshi:2 Mehta:2 Nair:2 Thomas:2 Varghese:1 Perera:2 Fernando:2 Silva:1 Thapa:3 Gurung:4"
    ),
    "polish": _weighted(
        "Nowak:10 Kowalski:9 Wiśniewski:6 Wójcik:5 Kowalczyk:5 Kamiński:5 Lewandowski:5 Zieliński:4 Szymański:4"
        " Woźniak:4 Dąbrowski:4 Kozłowski:3 Jankowski:3 Mazur:3 Krawczyk:3 Piotrowski:3 Grabowski:3"
        " Pawlak:2"
        " Michalski:2 Król:2 Wieczorek:2 Jabłoński:2 Wróbel:2 Majewski:2 Olszewski:2 Stępień:2 Malinowski:2"
        " Górski:2 Sikora:2"
    ),
    "other": _weighted(
        "Silva:6 Santos:5 Ferreira:3 da_Silva:2 Pereira:3 Popescu:4 Ionescu:3 Popa:3 Dumitru:2 Ivanov:3 Dimitrov:2"
        " Mohamed:5 Abdi:4 Hassan:4 Omar:3 Osman:2 Al-Masri:1 Haddad:2 Khalil:2 Chen:4 Wang:4 Li:4 Wong:4 Chan:4"
        " Nguyen:5 Tran:3 Okafor:3 Adeyemi:3 Mensah:3 Osei:2 Moyo:2 Ncube:2 Rossi:3 Bianchi:1 Garcia:3 Fernandez:2"
        " Martinez:2 Schmidt:2 Müller:2 Weber:1 Dubois:1 van_der_Berg:1 van_Dijk:1 Kim:2 Park:2 Santos-Lopez:1 Cruz:3"
        " Reyes:2 Bautista:2 Shevchenko:4 Kovalenko:3 Bondarenko:2 Horváth:2 Nagy:2 Kazlauskas:2 Petraitis:1"
    ),
}

_OLD_F = (
    "Margaret:40 Jean:22 Mary:34 Joan:20 Patricia:22 Sheila:15 Barbara:16 Doreen:9 June:10 Dorothy:11 Joyce:12"
    " Maureen:12 Brenda:10 Ann:18 Pamela:9 Eileen:9 Beryl:8 Audrey:6 Sylvia:7 Marjorie:5 Elizabeth:14 Rita:5 Iris:5"
)
_OLD_M = (
    "John:48 William:30 David:30 Peter:22 Kenneth:14 Ronald:13 Derek:11 Brian:15 Dennis:8 Roy:11 George:13 Alan:13"
    " Thomas:12 James:13 Robert:15 Michael:15 Raymond:8 Gordon:6 Norman:7 Arthur:6 Frederick:6 Leslie:5 Donald:6"
)
_MIDDLE_F = (
    "Susan:26 Julie:22 Karen:20 Jacqueline:12 Deborah:14 Tracey:13 Tracy:4 Jane:14 Helen:19 Diane:9 Sharon:14"
    " Sarah:26 Nicola:17 Claire:18 Clare:5 Emma:18 Lisa:16 Joanne:14 Michelle:15 Samantha:10 Rachel:12 Rebecca:12"
    " Catherine:8 Katherine:4 Kathryn:4 Amanda:10 Angela:10 Louise:9 Gemma:8 Kelly:8 Victoria:9 Alison:9 Laura:10"
)
_MIDDLE_M = (
    "David:36 Paul:32 Andrew:30 Mark:28 Stephen:20 Steven:10 John:20 Michael:22 Ian:15 Gary:12 Robert:17 Richard:17"
    " Peter:11 Christopher:18 Simon:12 Anthony:10 Kevin:10 Neil:9 Martin:10 Philip:8 Phillip:3 Jason:9 Darren:9"
    " Matthew:13 James:14 Daniel:12 Stuart:6 Stewart:2 Craig:6 Lee:9 Jonathan:7 Nicholas:6 Adrian:5 Nigel:6 Keith:6"
)
_YOUNG_F = (
    "Olivia:20 Emily:20 Sophie:18 Jessica:18 Chloe:17 Charlotte:15 Lucy:14 Ella:14 Grace:14 Amelia:16 Ava:12 Isla:12"
    " Mia:13 Lily:13 Poppy:10 Ruby:11 Evie:10 Isabella:8 Freya:9 Daisy:8 Holly:10 Megan:14 Bethany:7 Hannah:11"
    " Amy:9 Abigail:8 Leah:8 Molly:8 Ellie:10 Katie:9 Georgia:8 Caitlin:6 Zoe:5 Zoë:2 Eleanor:6 Matilda:4"
)
_YOUNG_M = (
    "Jack:22 Oliver:20 Harry:19 Thomas:18 Joshua:17 James:16 William:15 Daniel:14 Samuel:12 George:13 Charlie:13"
    " Alfie:11 Jacob:12 Noah:13 Oscar:9 Ethan:10 Lewis:8 Luke:9 Ryan:9 Callum:8 Liam:8 Archie:8 Leo:9 Theo:6 Max:7"
    " Benjamin:10 Joseph:9 Alexander:8 Connor:7 Jake:7 Adam:7 Nathan:6 Tyler:5 Kieran:4 Reece:4 Jayden:4 Mason:5"
)
GIVEN: Mapping[tuple[Community, Generation, Sex], Weighted] = {
    ("english", "old", "F"): _weighted(_OLD_F),
    ("english", "old", "M"): _weighted(_OLD_M),
    ("english", "middle", "F"): _weighted(_MIDDLE_F),
    ("english", "middle", "M"): _weighted(_MIDDLE_M),
    ("english", "young", "F"): _weighted(_YOUNG_F),
    ("english", "young", "M"): _weighted(_YOUNG_M),
    ("welsh", "old", "F"): _weighted(
        _OLD_F
        + " Gwyneth:18 Megan:14 Olwen:11 Ceridwen:8 Eluned:8 Glenys:10 Mair:16 Menna:8 Nesta:6 Gwladys:3 Eirlys:8"
        " Dilys:9 Myfanwy:7 Enid:6 Eirwen:6 Morfydd:3 Blodwen:3 Angharad:4 Rhiannon:6 Beti:3 Gwen:6 Meinir:3 Eleri:5"
    ),
    ("welsh", "old", "M"): _weighted(
        _OLD_M + " Ieuan:9 Gwilym:10 Idris:7 Emrys:8 Gwyn:14 Glyn:14 Elwyn:8 Trefor:7 Trevor:9 Emlyn:7 Aled:4 Dafydd:8"
        " Iorwerth:4 Dilwyn:7 Hywel:9 Howell:2 Alun:9 Islwyn:5 Meirion:5 Eifion:5 Arwyn:4 Selwyn:4 Evan:6 Griffith:4"
    ),
    ("welsh", "middle", "F"): _weighted(
        _MIDDLE_F
        + " Siân:22 Sian:8 Rhian:18 Bethan:18 Catrin:14 Nia:16 Eleri:9 Angharad:9 Delyth:8 Carys:10 Rhiannon:12"
        " Menna:4 Heledd:5 Lowri:8 Ceri:9 Llinos:6 Non:3 Mererid:3 Sioned:7 Elin:8 Manon:4 Ffion:9 Iona:3 Meinir:3"
    ),
    ("welsh", "middle", "M"): _weighted(
        _MIDDLE_M
        + " Gareth:26 Huw:18 Rhys:14 Dylan:13 Aled:12 Geraint:12 Hywel:9 Iwan:9 Dafydd:11 Rhodri:8 Emyr:6 Alun:8"
        " Ifan:3 Gethin:6 Siôn:7 Owain:7 Gruffydd:4 Iestyn:4 Meurig:2 Eurig:2 Llŷr:3 Gwyn:6 Wyn:6 Arwel:5 Carwyn:4"
    ),
    ("welsh", "young", "F"): _weighted(
        _YOUNG_F
        + " Ffion:16 Seren:16 Cadi:9 Erin:12 Efa:8 Mali:9 Nia:7 Lowri:9 Elin:10 Carys:9 Beca:5 Gwenno:5 Lleucu:2"
        " Mared:4 Alaw:4 Begw:3 Elan:4 Lili:4 Nansi:5 Non:3 Martha:5 Eira:6 Heti:2 Catrin:6 Cari:4 Tirion:2 Mabli:3"
    ),
    ("welsh", "young", "M"): _weighted(
        _YOUNG_M + " Rhys:16 Dylan:16 Osian:12 Ioan:10 Gruff:3 Gruffydd:6 Macsen:6 Harri:9 Tomos:9 Jac:7 Ifan:8 Owain:7"
        " Morgan:9 Iestyn:4 Steffan:5 Siôn:6 Elis:7 Guto:4 Gethin:4 Deio:3 Celt:2 Caio:4 Math:2 Llew:3 Cai:7 Evan:8"
    ),
}
_SOUTH_ASIAN_F = _weighted(
    "Fatima:10 Ayesha:9 Aisha:7 Zainab:7 Maryam:6 Mariam:3 Khadija:5 Nasreen:4 Shabnam:3 Rukhsana:3 Priya:6 Anjali:4"
    " Simran:4 Harpreet:4 Jaspreet:3 Kiran:4 Sunita:3 Meena:3 Yasmin:5 Noor:4 Hafsa:3 Sana:4 Amina:4 Nadia:4 Ruksana:2"
)
_SOUTH_ASIAN_M = _weighted(
    "Mohammed:22 Muhammad:16 Mohammad:6 Ahmed:6 Ali:7 Imran:6 Hassan:5 Hamza:6 Ibrahim:6 Yusuf:5 Abdul:6 Tariq:4"
    " Rajesh:4 Sanjay:3 Amit:3 Gurpreet:4 Manjit:3 Harjit:3 Arjun:4 Rohan:4 Bilal:4 Usman:4 Zain:3 Syed:3 Anil:3"
)
_POLISH_F = _weighted(
    "Anna:9 Maria:7 Katarzyna:7 Małgorzata:5 Agnieszka:6 Ewa:5 Zofia:5 Julia:6 Maja:4 Zuzanna:4 Oliwia:4"
)
_POLISH_M = _weighted(
    "Piotr:8 Krzysztof:7 Andrzej:5 Tomasz:6 Paweł:6 Marcin:5 Michał:5 Jakub:6 Kacper:4 Szymon:4 Jan:5"
)
_OTHER_F = _weighted(
    "Maria:9 Ana:6 Elena:6 Ioana:4 Fatima:4 Amina:4 Mei:3 Ling:3 Thi:2 Ngozi:3 Grace:5 Olena:4 Sofia:6 Inês:2"
)
_OTHER_M = _weighted(
    "João:4 José:5 Andrei:5 Mihai:4 Mohamed:8 Omar:5 Ahmed:5 Wei:4 Jun:3 Minh:3 Emeka:3 Kwame:3 Marco:4 Oleh:3"
)
_ANY_AGE: Mapping[tuple[Community, Sex], Weighted] = {
    ("south_asian", "F"): _SOUTH_ASIAN_F,
    ("south_asian", "M"): _SOUTH_ASIAN_M,
    ("polish", "F"): _POLISH_F,
    ("polish", "M"): _POLISH_M,
    ("other", "F"): _OTHER_F,
    ("other", "M"): _OTHER_M,
}


def generation(birth_year: int) -> Generation:
    """Which decade's names a person of this year of birth was given."""
    if birth_year < 1955:
        return "old"
    return "middle" if birth_year < 1993 else "young"


def given_name(rng: Random, community: Community, sex: Sex, birth_year: int) -> str:
    """A given name; children of newer communities get the region's own names four times in ten."""
    if community in ("welsh", "english"):
        return GIVEN[community, generation(birth_year), sex].draw(rng)
    if birth_year >= 1993 and rng.random() < 0.4:
        return GIVEN["english", "young", sex].draw(rng)
    return _ANY_AGE[community, sex].draw(rng)


def surname(rng: Random, community: Community) -> str:
    """A family's name, in the form men bear."""
    return SURNAMES[community].draw(rng)


def surname_for(family: str, community: Community, sex: Sex) -> str:
    """The form of a family's name that a person of this sex bears: Polish -ski becomes -ska."""
    if community == "polish" and sex == "F" and family.endswith(("ski", "cki", "dzki")):
        return family[:-1] + "a"
    return family
