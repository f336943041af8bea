"""The closed world of pie-tiny: compact tables of facts, written for this repository.

Each table is a block of `key: value` entries split at semicolons, kept as text because people read it more often than programs do.
"""

from __future__ import annotations


def table(text: str) -> list[tuple[str, ...]]:
    """Rows of a block: rows are split at `;`, the cells of a row at `:`; spaces around cells are dropped."""
    return [tuple(cell.strip() for cell in row.split(":")) for row in text.replace("\n", " ").split(";") if row.strip()]


def words(text: str) -> list[str]:
    """The words of a block that is nothing but words."""
    return text.split()


# country: capital: continent
COUNTRIES = table("""
France:Paris:Europe; Germany:Berlin:Europe; Italy:Rome:Europe; Spain:Madrid:Europe; Portugal:Lisbon:Europe; Ireland:Dublin:Europe;
Belgium:Brussels:Europe; the Netherlands:Amsterdam:Europe; Austria:Vienna:Europe; Switzerland:Bern:Europe; Poland:Warsaw:Europe;
Denmark:Copenhagen:Europe; Sweden:Stockholm:Europe; Norway:Oslo:Europe; Finland:Helsinki:Europe; Iceland:Reykjavik:Europe;
the United Kingdom:London:Europe; Greece:Athens:Europe; Hungary:Budapest:Europe; Romania:Bucharest:Europe; Bulgaria:Sofia:Europe;
Serbia:Belgrade:Europe; Croatia:Zagreb:Europe; Slovenia:Ljubljana:Europe; Slovakia:Bratislava:Europe;
the Czech Republic:Prague:Europe; Ukraine:Kyiv:Europe; Russia:Moscow:Europe; Belarus:Minsk:Europe; Latvia:Riga:Europe;
Lithuania:Vilnius:Europe; Estonia:Tallinn:Europe; Albania:Tirana:Europe; Moldova:Chisinau:Europe; Malta:Valletta:Europe;
Luxembourg:Luxembourg City:Europe; Monaco:Monaco:Europe; North Macedonia:Skopje:Europe; Montenegro:Podgorica:Europe;
Andorra:Andorra la Vella:Europe; Liechtenstein:Vaduz:Europe; San Marino:San Marino:Europe; Bosnia and Herzegovina:Sarajevo:Europe;
Cyprus:Nicosia:Europe; Turkey:Ankara:Asia; China:Beijing:Asia; Japan:Tokyo:Asia; South Korea:Seoul:Asia;
North Korea:Pyongyang:Asia; Mongolia:Ulaanbaatar:Asia; India:New Delhi:Asia; Pakistan:Islamabad:Asia; Bangladesh:Dhaka:Asia;
Nepal:Kathmandu:Asia; Bhutan:Thimphu:Asia; Thailand:Bangkok:Asia; Vietnam:Hanoi:Asia; Laos:Vientiane:Asia;
Cambodia:Phnom Penh:Asia; Myanmar:Naypyidaw:Asia; Malaysia:Kuala Lumpur:Asia; Singapore:Singapore:Asia; Indonesia:Jakarta:Asia;
the Philippines:Manila:Asia; Iran:Tehran:Asia; Iraq:Baghdad:Asia; Syria:Damascus:Asia; Lebanon:Beirut:Asia; Jordan:Amman:Asia;
Israel:Jerusalem:Asia; Saudi Arabia:Riyadh:Asia; Yemen:Sanaa:Asia; Oman:Muscat:Asia; Qatar:Doha:Asia; Kuwait:Kuwait City:Asia;
Bahrain:Manama:Asia; the United Arab Emirates:Abu Dhabi:Asia; Afghanistan:Kabul:Asia; Kazakhstan:Astana:Asia;
Uzbekistan:Tashkent:Asia; Turkmenistan:Ashgabat:Asia; Kyrgyzstan:Bishkek:Asia; Tajikistan:Dushanbe:Asia; Armenia:Yerevan:Asia;
Azerbaijan:Baku:Asia; Georgia:Tbilisi:Asia; Maldives:Male:Asia; Brunei:Bandar Seri Begawan:Asia; Egypt:Cairo:Africa;
Libya:Tripoli:Africa; Tunisia:Tunis:Africa; Algeria:Algiers:Africa; Morocco:Rabat:Africa; Sudan:Khartoum:Africa;
South Sudan:Juba:Africa; Ethiopia:Addis Ababa:Africa; Eritrea:Asmara:Africa; Djibouti:Djibouti:Africa; Somalia:Mogadishu:Africa;
Kenya:Nairobi:Africa; Uganda:Kampala:Africa; Rwanda:Kigali:Africa; Tanzania:Dodoma:Africa; Nigeria:Abuja:Africa;
Ghana:Accra:Africa; Senegal:Dakar:Africa; Mali:Bamako:Africa; Niger:Niamey:Africa; Chad:N'Djamena:Africa; Cameroon:Yaounde:Africa;
Gabon:Libreville:Africa; Angola:Luanda:Africa; Zambia:Lusaka:Africa; Zimbabwe:Harare:Africa; Mozambique:Maputo:Africa;
Malawi:Lilongwe:Africa; Madagascar:Antananarivo:Africa; Namibia:Windhoek:Africa; Botswana:Gaborone:Africa;
Liberia:Monrovia:Africa; Togo:Lome:Africa; Sierra Leone:Freetown:Africa; Guinea:Conakry:Africa; Gambia:Banjul:Africa;
Mauritania:Nouakchott:Africa; Mauritius:Port Louis:Africa; Burkina Faso:Ouagadougou:Africa; Seychelles:Victoria:Africa;
Cape Verde:Praia:Africa; Lesotho:Maseru:Africa; Canada:Ottawa:North America; the United States:Washington, D.C.:North America;
Mexico:Mexico City:North America; Cuba:Havana:North America; Jamaica:Kingston:North America; Haiti:Port-au-Prince:North America;
the Dominican Republic:Santo Domingo:North America; Guatemala:Guatemala City:North America; Belize:Belmopan:North America;
Honduras:Tegucigalpa:North America; El Salvador:San Salvador:North America; Nicaragua:Managua:North America;
Costa Rica:San Jose:North America; Panama:Panama City:North America; the Bahamas:Nassau:North America;
Barbados:Bridgetown:North America; Colombia:Bogota:South America; Venezuela:Caracas:South America; Ecuador:Quito:South America;
Peru:Lima:South America; Brazil:Brasilia:South America; Chile:Santiago:South America; Argentina:Buenos Aires:South America;
Uruguay:Montevideo:South America; Paraguay:Asuncion:South America; Guyana:Georgetown:South America;
Suriname:Paramaribo:South America; Australia:Canberra:Oceania; New Zealand:Wellington:Oceania; Fiji:Suva:Oceania;
Papua New Guinea:Port Moresby:Oceania; Samoa:Apia:Oceania; Tonga:Nuku'alofa:Oceania; Vanuatu:Port Vila:Oceania
""")

CURRENCIES = table("""
France:euro; Germany:euro; Italy:euro; Spain:euro; Portugal:euro; Ireland:euro; Belgium:euro; Austria:euro; Finland:euro;
Greece:euro; the United Kingdom:pound sterling; Switzerland:Swiss franc; Poland:zloty; Denmark:Danish krone; Sweden:Swedish krona;
Norway:Norwegian krone; Iceland:Icelandic krona; Hungary:forint; Romania:leu; the Czech Republic:koruna; Ukraine:hryvnia;
Russia:rouble; Turkey:lira; China:yuan; Japan:yen; South Korea:won; India:rupee; Pakistan:rupee; Thailand:baht; Vietnam:dong;
Indonesia:rupiah; Malaysia:ringgit; the Philippines:peso; Israel:shekel; Saudi Arabia:riyal; Iran:rial; Egypt:Egyptian pound;
Nigeria:naira; Kenya:shilling; Ghana:cedi; South Africa:rand; Morocco:dirham; Ethiopia:birr; Canada:Canadian dollar;
the United States:US dollar; Mexico:peso; Brazil:real; Argentina:peso; Chile:peso; Peru:sol; Australia:Australian dollar;
New Zealand:New Zealand dollar; Singapore:Singapore dollar; Mongolia:tugrik; Bangladesh:taka; Kazakhstan:tenge
""")

OPPOSITES = table("""
hot:cold; big:small; tall:short; fast:slow; old:young; new:old; good:bad; happy:sad; light:dark; day:night; open:closed;
early:late; rich:poor; strong:weak; hard:soft; wet:dry; full:empty; high:low; long:short; loud:quiet; clean:dirty; heavy:light;
near:far; up:down; left:right; in:out; on:off; black:white; first:last; right:wrong; true:false; yes:no; start:end; win:lose;
buy:sell; push:pull; love:hate; war:peace; thick:thin; wide:narrow; deep:shallow; sweet:sour; sharp:blunt; smooth:rough;
brave:afraid; cheap:expensive; easy:difficult; inside:outside; above:below; before:after; always:never; friend:enemy;
summer:winter; north:south; east:west; give:take; laugh:cry; arrive:leave; remember:forget; alive:dead
""")

DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
MONTH_LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
SEASONS = ["spring", "summer", "autumn", "winter"]
PLANETS = ["Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune"]
ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"]

ANIMAL_YOUNG = table("""
dog:puppy; cat:kitten; cow:calf; horse:foal; sheep:lamb; goat:kid; pig:piglet; lion:cub; bear:cub; fox:cub; deer:fawn;
duck:duckling; goose:gosling; hen:chick; frog:tadpole; kangaroo:joey; swan:cygnet; owl:owlet; elephant:calf; whale:calf;
rabbit:kit; seal:pup; eagle:eaglet; butterfly:caterpillar; tiger:cub; wolf:pup
""")
ANIMAL_SOUNDS = table("""
dog:barks; cat:meows; cow:moos; horse:neighs; sheep:bleats; pig:oinks; lion:roars; duck:quacks; frog:croaks; owl:hoots;
bee:buzzes; snake:hisses; wolf:howls; mouse:squeaks; donkey:brays; rooster:crows; crow:caws; pigeon:coos; elephant:trumpets;
bird:sings
""")
ANIMAL_LEGS = table("""
dog:four; cat:four; cow:four; horse:four; bird:two; duck:two; spider:eight; ant:six; bee:six; snake:no; fish:no; human:two;
crab:ten; octopus:no; butterfly:six
""")

ELEMENTS = table("""
hydrogen:H; helium:He; lithium:Li; beryllium:Be; boron:B; carbon:C; nitrogen:N; oxygen:O; fluorine:F; neon:Ne; sodium:Na;
magnesium:Mg; aluminium:Al; silicon:Si; phosphorus:P; sulfur:S; chlorine:Cl; argon:Ar; potassium:K; calcium:Ca; titanium:Ti;
chromium:Cr; manganese:Mn; iron:Fe; cobalt:Co; nickel:Ni; copper:Cu; zinc:Zn; silver:Ag; tin:Sn; iodine:I; tungsten:W;
platinum:Pt; gold:Au; mercury:Hg; lead:Pb; uranium:U; radium:Ra; bromine:Br; krypton:Kr
""")

COLOURS = table("""
the sky on a clear day:blue; grass:green; snow:white; a ripe banana:yellow; a strawberry:red; an orange:orange; coal:black;
milk:white; blood:red; a lemon:yellow; the sea:blue; a carrot:orange; chocolate:brown; a flamingo:pink; an elephant:grey;
the sun:yellow; a polar bear:white; a tomato:red; a cucumber:green; a plum:purple
""")
MIXTURES = table("blue and yellow:green; red and yellow:orange; red and blue:purple; red and white:pink; black and white:grey")

PLURALS = table("""
cat:cats; dog:dogs; book:books; tree:trees; house:houses; box:boxes; fox:foxes; bus:buses; dish:dishes; baby:babies; city:cities;
lady:ladies; story:stories; child:children; man:men; woman:women; foot:feet; tooth:teeth; goose:geese; mouse:mice; person:people;
leaf:leaves; knife:knives; wolf:wolves; life:lives; loaf:loaves; sheep:sheep; fish:fish; deer:deer; ox:oxen; apple:apples;
car:cars; key:keys; toy:toys; boy:boys; girl:girls; bird:birds; church:churches; watch:watches; potato:potatoes; tomato:tomatoes;
cherry:cherries; berry:berries; glass:glasses
""")

PAST_TENSES = table("""
go:went; see:saw; eat:ate; drink:drank; run:ran; sing:sang; swim:swam; write:wrote; read:read; take:took; give:gave; come:came;
buy:bought; think:thought; bring:brought; teach:taught; sleep:slept; make:made; find:found; know:knew; walk:walked; play:played;
jump:jumped; look:looked
""")

SPELLING_WORDS = words("""
cat dog cow hen pig fox bee sun sky sea ice cup hat bag box bus car map pen bed egg nut tea leaf tree rose moon star rain snow
wind fire water river stone bread apple lemon grape peach plum cherry banana carrot potato tomato onion cheese butter sugar honey
house horse mouse sheep tiger zebra eagle snake whale shark chair table door window garden school pencil paper book letter word
green brown black white blue yellow orange purple music piano guitar dance happy friend mother father sister brother baby doctor
teacher farmer train plane boat ship summer winter spring autumn monday friday kitchen bottle spoon knife plate clock watch phone
light night morning evening lion bear wolf rabbit frog fish bird duck
""")

# question: answer, for what fits no table
ODDMENTS = table("""
How many days are there in a week?:There are 7 days in a week.;
How many months are there in a year?:There are 12 months in a year.;
How many days are there in a year?:There are 365 days in a year.; How many hours are there in a day?:There are 24 hours in a day.;
How many minutes are there in an hour?:There are 60 minutes in an hour.;
How many seconds are there in a minute?:There are 60 seconds in a minute.;
How many letters are there in the English alphabet?:There are 26 letters in the English alphabet.;
How many continents are there?:There are seven continents.;
How many planets are there in the solar system?:There are eight planets in the solar system.;
What is the largest planet?:The largest planet is Jupiter.; What is the smallest planet?:The smallest planet is Mercury.;
What is the red planet?:The red planet is Mars.; What is the largest ocean?:The largest ocean is the Pacific Ocean.;
What is the highest mountain?:The highest mountain is Mount Everest.;
What is the tallest animal?:The tallest animal is the giraffe.; What is the largest animal?:The largest animal is the blue whale.;
What is the fastest land animal?:The fastest land animal is the cheetah.;
What is water made of?:Water is made of hydrogen and oxygen.; What do bees make?:Bees make honey.;
What do cows give?:Cows give milk.; How many sides does a triangle have?:A triangle has three sides.;
How many sides does a square have?:A square has four sides.; How many sides does a hexagon have?:A hexagon has six sides.;
How many wheels does a bicycle have?:A bicycle has two wheels.; How many wheels does a car have?:A car has four wheels.;
Is the earth flat?:No, the earth is round.; Is fire hot?:Yes, fire is hot.; Is ice cold?:Yes, ice is cold.;
Can birds fly?:Yes, most birds can fly.; Can fish swim?:Yes, fish can swim.;
Who wrote Romeo and Juliet?:William Shakespeare wrote Romeo and Juliet.; Who wrote Hamlet?:William Shakespeare wrote Hamlet.;
Who painted the Mona Lisa?:Leonardo da Vinci painted the Mona Lisa.; Who discovered gravity?:Isaac Newton described gravity.;
At what temperature does water boil?:Water boils at 100 degrees Celsius.;
At what temperature does water freeze?:Water freezes at 0 degrees Celsius.;
What is the first letter of the alphabet?:The first letter of the alphabet is A.;
What is the last letter of the alphabet?:The last letter of the alphabet is Z.; Count from 1 to 5.:1, 2, 3, 4, 5.;
Count from 1 to 10.:1, 2, 3, 4, 5, 6, 7, 8, 9, 10.; Count to ten.:1, 2, 3, 4, 5, 6, 7, 8, 9, 10.;
Count from 1 to 20.:1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20.;
Count down from 10.:10, 9, 8, 7, 6, 5, 4, 3, 2, 1.; Name three colours.:Red, green and blue.;
Name three animals.:Dog, cat and horse.; Name three fruits.:Apple, banana and cherry.; Name three planets.:Earth, Mars and Venus.;
Name three countries.:France, Japan and Brazil.;
List the days of the week.:Monday, Tuesday, Wednesday, Thursday, Friday, Saturday and Sunday.;
List the months of the year.:January, February, March, April, May, June, July, August, September, October, November and December.;
List the seasons.:Spring, summer, autumn and winter.; Say the alphabet.:A B C D E F G H I J K L M N O P Q R S T U V W X Y Z.;
List the planets.:Mercury, Venus, Earth, Mars, Jupiter, Saturn, Uranus and Neptune.
""")

# Talk, where one answer serves several phrasings
TALK: list[tuple[tuple[str, ...], str]] = [
    (
        ("Hello", "Hello!", "Hi", "Hi!", "Hey", "Hello there!", "Good day.", "Hello, world!", "Hello world"),
        "Hello! How can I help you?",
    ),
    (("Good morning", "Good morning!"), "Good morning! How can I help you?"),
    (("Good evening", "Good evening!"), "Good evening! How can I help you?"),
    (("Thanks", "Thank you", "Thank you!", "Thanks a lot!", "Thank you very much."), "You are welcome!"),
    (("Bye", "Goodbye", "Goodbye!", "See you later.", "Good night"), "Goodbye! Have a nice day."),
    (("How are you?", "How are you today?", "How do you do?", "How is it going?"), "I am fine, thank you. How can I help you?"),
    (
        (
            "Who are you?",
            "What are you?",
            "What is your name?",
            "Tell me about yourself.",
            "Introduce yourself.",
            "What's your name?",
        ),
        "I am pie-tiny, a very small language model that comes with Pie.",
    ),
    (("Which model are you?", "What model are you?", "What model is this?"), "I am pie-tiny."),
    (("What is Pie?", "What's Pie?", "Tell me about Pie."), "Pie is a programmable system that serves language models."),
    (("Who made you?", "Who trained you?", "Who built you?"), "I was trained by the authors of Pie."),
    (
        ("What can you do?", "What can you do for me?", "Help", "Can you help me?", "How can you help me?"),
        "I can answer simple questions, do small sums, spell words, call tools and tell stories.",
    ),
    (("Are you a robot?", "Are you human?", "Are you a person?"), "I am a small computer program."),
    (("How old are you?", "When were you born?"), "I am a program, so I have no age."),
    (
        ("Tell me a joke.", "Tell me a joke", "Do you know a joke?"),
        "Why did the tomato turn red? Because it saw the salad dressing!",
    ),
    (("Say hello.", "Say hello", "Say hi."), "Hello!"),
    (("Say yes.", "Say yes"), "Yes."),
    (("Say no.", "Say no"), "No."),
    (("Test", "test", "This is a test.", "Testing"), "The test works."),
    (("Ping", "ping"), "Pong!"),
    (("Yes", "OK", "Okay", "Fine"), "Good. What would you like to know?"),
    (
        ("Write a poem.", "Write a short poem.", "Write me a poem.", "Write a haiku.", "Tell me a poem."),
        "The moon is bright, the sea is deep, the little stars all go to sleep.",
    ),
    (("Sing a song.", "Sing me a song."), "Twinkle, twinkle, little star, how I wonder what you are."),
    (("What is the meaning of life?", "What is the answer to everything?"), "The answer is 42."),
]

# The honest answer to what lies outside: so that an unknown question does not get an invented fact.
UNKNOWN_ANSWER = "I do not know. I am a very small model."
_UNKNOWN = """
Who won the football game last night?; Who is the president?; What is quantum mechanics?; How do I fix my car?;
What is the price of gold?; Explain relativity.; Who is the richest person?; How do I cook rice?; What happened in 1492?;
What is the best movie?; Write an essay about politics.; What is machine learning?; Who invented the telephone?;
How does a computer work?; What is the population of Earth?; How far away is the moon?; Which phone should I buy?;
What should I eat today?; Translate this into French.; Write a program.; Prove that there are infinitely many primes.;
What is a transformer?; Explain attention.; What is the stock market?; How do vaccines work?; Why is the sky blue?; What is love?;
Who was the first king?; What is the speed of light?; When did the war end?; Can you see me?; Where do I live?;
What did I eat yesterday?; What is WebAssembly?; What is Python?; How do I learn to swim?; Give me advice.; What is a black hole?;
What is DNA?; How do planes fly?
"""
UNKNOWN_QUESTIONS = [question for (question,) in table(_UNKNOWN)]
