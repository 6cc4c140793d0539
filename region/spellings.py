"""Other ways to write one name: the short forms people use, and the spellings clerks choose."""

from collections.abc import Mapping


def _forms(text: str) -> Mapping[str, tuple[str, ...]]:
    """``name:form/form …``; an underscore stands for a space."""
    pairs = (item.partition(":") for item in text.replace("_", "\0").split())
    return {name.replace("\0", " "): tuple(forms.replace("\0", " ").split("/")) for name, _, forms in pairs}


# What people call themselves.
SHORT_FORMS = _forms(
    "Margaret:Maggie/Peggy/Meg/Marged Patricia:Pat/Trish Barbara:Babs Elizabeth:Liz/Beth/Betty Dorothy:Dot/Dolly"
    " Susan:Sue Julie:Jules Jacqueline:Jackie Deborah:Debbie/Deb Catherine:Cath/Kate Katherine:Kate/Kathy"
    " Kathryn:Kath/Kate Samantha:Sam Rebecca:Becky/Bec Victoria:Vicky/Tori Nicola:Nicky Amanda:Mandy Angela:Angie"
    " Joanne:Jo Michelle:Shelly Alison:Ali Jessica:Jess Charlotte:Charlie/Lottie Abigail:Abi/Abbie Isabella:Bella"
    " Bethany:Beth Megan:Meg/Meggie Georgia:Georgie Eleanor:Ellie/Nell Matilda:Tilly Olivia:Liv/Livvy Emily:Em"
    " Amelia:Millie William:Will/Bill/Billy/Wil David:Dave/Dai/Dafydd Kenneth:Ken Ronald:Ron George:Geo/Georgie"
    " Robert:Rob/Bob/Bobby Michael:Mike/Mick Raymond:Ray Frederick:Fred/Freddie Thomas:Tom/Tommy/Twm"
    " James:Jim/Jamie Andrew:Andy/Drew Stephen:Steve Steven:Steve Christopher:Chris Anthony:Tony Philip:Phil"
    " Phillip:Phil Matthew:Matt Daniel:Dan/Danny Jonathan:Jon/Jonny Nicholas:Nick Joshua:Josh Samuel:Sam/Sami"
    " Jacob:Jake Benjamin:Ben Joseph:Joe/Joey Alexander:Alex/Xander Oliver:Ollie Nathan:Nate Charlie:Charles"
    " Harry:Henry Gwilym:Gwil/Wil Dafydd:Dai/Daf Gruffydd:Gruff/Guto Gruff:Gruffydd Hywel:Hyw Gareth:Gaz/Gari"
    " Rhiannon:Rhi/Non Angharad:Anj/Hari Catrin:Cati/Cat Bethan:Beth Angela:Ange Myfanwy:Myf/Vanw Ceridwen:Ceri"
    " Tomos:Tom/Twm Siân:Sian/Jane Siôn:Sion/John Ieuan:Iori/Ifan Iorwerth:Iori Geraint:Ger Rhodri:Rhod Lowri:Lows"
    " Sioned:Sion Mohammed:Mo/Md/Muhammad Muhammad:Mo/Mohammed Mohammad:Mo/Mohammed Abdul:Abdi Gurpreet:Gary"
    " Harpreet:Harry Krzysztof:Kris/Chris Małgorzata:Gosia Katarzyna:Kasia Agnieszka:Aga Andrzej:Andy Piotr:Peter"
    " Tomasz:Tomek/Tom Jakub:Kuba Zofia:Zosia José:Joe Andrei:Andy Elena:Lena Trevor:Trev Leslie:Les Derek:Del"
    " Dennis:Den Anna:Ania"
)

# Surnames of one sound, and the Welsh and English forms of one name.
OTHER_SPELLINGS = _forms(
    "Griffiths:Gruffydd/Griffith/Griffths Gruffydd:Griffiths/Gruffudd Davies:Davis/Dafis Evans:Ifans/Evan"
    " Thomas:Tomos Rees:Rhys/Reece Rhys:Rees/Reece Price:Prys/Pryce Llewellyn:Llywelyn/Llewelyn"
    " Llywelyn:Llewellyn Philips:Phillips Phillips:Philips Nicholson:Nicolson Nicolson:Nicholson Clarke:Clark"
    " Clark:Clarke Thompson:Thomson Thomson:Thompson Reid:Read/Reed Siôn:Sion/John Smith:Smyth/Smithe"
    " Taylor:Tayler Stephens:Stevens Stevens:Stephens Hussain:Hussein/Husain Ahmed:Ahmad Choudhury:Chowdhury"
    " Mohammed:Muhammad/Mohamed Macdonald:McDonald MacDonald:McDonald McDonald:MacDonald Jones:Johns/Jone"
    " ap_Rhys:Aprhys/Rhys/Price ap_Gwilym:Gwilym/Ap_Gwilym ab_Owain:Owain/Ab_Owen/Bowen"
    " ap_Dafydd:Ap_Dafydd/Dafydd ab_Iorwerth:Iorwerth/Ab_Iorwerth ap_Huw:Pugh/Ap_Huw"
)
