"""Words of Indonesian names, as lists. Public knowledge, no personal data; what they are used for: `core.likeness`."""

from __future__ import annotations


def listed(words: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(words.split())


# Words that order children, give rank or stand before the name of half the country: sharing one says nothing.
PARTIAL = listed(
    """
    i ni luh wayan putu gede made kadek nengah nyoman komang ketut gusti ida bagus ayu agung anak dewa desak cokorda istri
    ngurah raka alit muhammad ahmad siti abdul nur nurul sri dewi dwi tri eko tubagus raden maria yohanes andi daeng
    teuku cut tengku wan lalu baiq la wa laode waode puang besse karaeng
    ode
    """
)
# Family names: brothers and sisters share them, a person is seldom called by it alone.
FAMILIES = listed(
    """
    siregar nasution lubis sinaga situmorang hutapea sihombing panjaitan simanjuntak harahap tambunan sitorus manurung
    marpaung gultom tampubolon nainggolan siahaan pangaribuan panggabean tobing lumbantobing lumbangaol manalu saragih
    purba ginting tarigan sembiring karo perangin-angin damanik hasibuan daulay rangkuti matondang dalimunthe pohan
    batubara rambe pane ritonga simatupang sihotang silalahi simbolon sitompul pardede pardosi nababan hutagalung hutabarat
    napitupulu aritonang silaban sagala manullang lase zebua tanjung chaniago caniago piliang sikumbang koto jambak
    rumbiak wenda kafiar lasut rondonuwu mandagi sahetapy pattinasarany koten kedang nahak klau seran
    tan lim lie oei kwee liem wong chen ong go tjia thio yap kho
    """
)
# Given names that one letter tells apart are no slips of each other: Rina and Rini, Budi and Rudi.
KNOWN = listed(
    """
    ade adi adit aditya adrian adriana afif afifah agnes agus agustin agustina agustinus ahmad aini ainun aisyah aji akbar
    albert albertus aldi aldo alex alfian alfons alfonsa ali alia alif alim alma alvin alwi amalia amanda amar amelia amin
    amina aminah amir amira amirah ana ananda andi andika andre andreas andri andrian ani anggi anggraini angga anisa anita
    annisa anton antonia antonio antonius anwar apri apriani aprilia ardi ardiansyah arga ari arief arif arifin arini arina
    aris arman arni arsyad arta arum asep asih asmara asri asti astri astuti atik aulia ayu azis aziz azizah azhar azka
    bagas bagus bahar bahri bambang baru basri basuki bayu beni benny berta bertha bima bobby budi budiman bunga burhan
    cahya cahyo candra cici cinta citra clara dadang dahlia dani daniel daniela darma darman darmi darto daud dea dede
    dedi delia deni denny desi desta deva devi dewa dewi dia dian diana dias dika dila dimas dina dini dinda dini dita dito
    dodi doni dono dora dudi dwi edi edo edwin efendi eka eko ela eli elina elis elisa elisabet ella elly elsa elsi ema emi
    endah endang eni erik erika erlina erma erna erni ernawati eva evi fachri fadil fadila fahmi fahri faisal faizah fajar
    fajri fani fania farah farhan farid farida fatimah fauzan fauzi febri febriana feby feri fikri fina firda firdaus firma
    firman fitra fitri fitria fransiska fransiskus galih galuh gani gilang gina gita gito gunawan guntur hadi hafiz hafizah
    haikal hakim halim halimah hamid hamida hamka hana hanafi handi handoko hani hanif hanna hanum haris harto hari haryanto
    haryati hasan hasanah hasni hasnah hendi hendra hendri hendro heni heri herlina herman hermina heru hesti hidayah
    hidayat husein husen husin husna ian ida idris ika ikhsan ilham ilman ilyas imam iman imas ina indah indra indri intan
    ira iran irfan irma irna irwan isa isma ismail ita ivan iwan jaka jamal jamil jamila jamilah jasmin jaya jefri jihad
    johan joko joni jono jonny juli julia juliana julius jumadi jumari jumiati juna juni kamal kamil kamila karim karimah
    karin karina karmila kartika kartini karto kasim kasman kasmin kevin khalid kiki kirana kiran krisna kurnia kusno laila
    laili lala lani lasmi latif latifah leni leo lia liana lidia lili lilik lilis lina linda lisa lita lola lukman lula luki
    lusi lusia maya madi mahmud malik maman mansur marcel margareta maria mariam mariana mariani mariano mario marlina marni marsel
    marta martin marwan maryam maryati maulana mawar mega mei melati melani meri merlina mia mila mina mira mirna misna mona
    monika muhammad mukti mulya mulyadi mulyana mulyono muna munir murni murti mustafa nabil nabila nada nadia naila nana
    nanda nando nani naufal nazar neni nengsih nia niken nila nina nining ningsih nisa nita nofi nona noni nova novi novia
    novita nur nuri nurul nurdin nurlaila nurlela nuraini nurani nurhayati okta oki oktavia oni pandu panji paul paulus pipit
    prima putra putri puput rabu raden rafi rafli rahma rahman rahmat rahmi raihan raka rama ramli ran rana randi rangga rani
    rara rasid rasmi ratih ratna raya reni resti reti retno reza rhea ria riana riani rian rida ridho ridwan rifki rijal rika
    riki riko rina rini rio risa riska riski rista rita riyadi riyanto rizal rizka rizki roby robert robin rofi roland roli
    romi roni ronald rosa rosi rosida rosita rosmawati rosnah rosmah rossa rubi rudi rukmini ruli rumi rusdi rusli rusman
    rusmini saad sabar sabrina sadam safira sahrul said saiful sakti salam saleh salim salimah salma salman salmah salsa sam
    sandi sandra santi santo santoso saputra saputri sara sari sarah sarina sarinah sarmi sarmini sasa satria satya sekar
    selvi septi septian setia setiawan shinta sigit sila silvi silvia simon sinta siska siti sita slamet sofia sofi sofyan
    soleh sonia sony soni sri subandi subari sudarno sudarto sudarmi sudirman sugeng sugianto sugiarto sugiono suharti
    suharto suhartono sukardi sukarno sukarti sukarman sulaiman sulastri sulis sulistyo sumarni sumarno sumarti sumiati
    sumini sunardi sunarti sunarto suparman suparmi suparno suparti supri supriadi supriatna supriyanto supriyono suratmi
    suratno surti surya suryadi suryana suryani suryanto suryati susan susana susanti susanto susi susila susilo sutarno
    sutini sutomo sutopo sutrisno sutrisna suwandi suwarni suwarno suwarti syahrul syamsul syarif syarifah syifa tania tanti
    tanto tari tati taufik teguh teddy tia tiara tika tina tini tino tita titi titin tito tomi toni tono toto tri tuti ucok
    udin uli ulfa umar umi ummu utami utari vera vero vina vita vivi wahid wahyu wahyudi wahyuni wahyono wahyunto wati wawan
    wenda wendi wendy widi widia widodo wiji wina winda windi wira wiranto wisnu wiwik wulan yana yani yanti yanto yaya yayan
    yayuk yeni yesi yoga yogi yohana yohanes yono yosef yosefa yuda yudi yuli yulia yuliana yuliani yulianti yulianto yulita
    yuni yunia yunita yunus kristian kristina christian christina tiana erliana hasniah jumilah murniati maryani mariati
    suriani suriati gerald gerard hotma hotman lamria juriah suriah alvan muryati sulasmi sulami sumiyem sutiyem rohana
    rohani rohman rohmat rahim yusman yusna yusnita yusuf zahra zahira zaki zakia zakaria zainab zainal zaka zulfa zulfi
    zulkarnain zulkifli zubaidah zuraida
    """
)
