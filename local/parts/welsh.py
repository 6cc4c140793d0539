"""The Welsh of the stack's own pages. The English sentence is the key; a test holds that none is missing."""

WELSH = {
    "Back to the mailbox": "Yn ôl i'r blwch post",
    "Check the address you followed. Nobody was signed in.": (
        "Gwiriwch y cyfeiriad a ddilynwyd gennych. Ni fewngofnodwyd neb."
    ),
    "Date": "Dyddiad",
    "Enter your password": "Rhowch eich cyfrinair",
    "Enter your user name": "Rhowch eich enw defnyddiwr",
    "Error": "Gwall",
    "From": "Oddi wrth",
    "Language": "Iaith",
    "Mail": "Post",
    "Mail that the services of this machine have sent. None of it has left the machine.": (
        "Post a anfonwyd gan wasanaethau'r peiriant hwn. Nid oes dim ohono wedi gadael y peiriant."
    ),
    "No mail yet.": "Dim post eto.",
    "Nothing that was accepted is lost. Try again in a moment.": (
        "Ni chollwyd dim a dderbyniwyd. Rhowch gynnig arall arni ymhen eiliad."
    ),
    "Older mail": "Post hŷn",
    "Password": "Cyfrinair",
    "Show as it was sent": "Dangos fel y'i hanfonwyd",
    "Sign in": "Mewngofnodi",
    "Skip to main content": "Neidio i'r prif gynnwys",
    "Subject": "Pwnc",
    "The service %s does not answer": "Nid yw'r gwasanaeth %s yn ateb",
    "The user name or the password is not right": "Nid yw'r enw defnyddiwr neu'r cyfrinair yn gywir",
    "There is a problem": "Mae problem",
    "There is no such mail. It may have been removed to make room.": (
        "Nid oes post o'r fath. Efallai iddo gael ei ddileu i wneud lle."
    ),
    "This sign-in cannot go on": "Ni all y mewngofnodi hwn barhau",
    "This sign-in page is for one machine: it stands where your organisation's own would be.": (
        "Ar gyfer un peiriant y mae'r dudalen fewngofnodi hon: mae'n sefyll lle byddai un eich sefydliad chi."
    ),
    "To": "At",
    "To the people who run Jigsaw": "I'r bobl sy'n rhedeg Jigsaw",
    "Too many wrong passwords. Wait five minutes, then try again.": (
        "Gormod o gyfrineiriau anghywir. Arhoswch bum munud, yna rhowch gynnig arall arni."
    ),
    "User name": "Enw defnyddiwr",
    "Users of this machine: the people and passwords are shown where the demo was started.": (
        "Defnyddwyr y peiriant hwn: dangosir y bobl a'r cyfrineiriau lle cychwynnwyd yr arddangosiad."
    ),
    "You are signed out": "Rydych wedi allgofnodi",
    "what it said last": "beth a ddywedodd ddiwethaf",
    "whether it runs": "a yw'n rhedeg",
}
