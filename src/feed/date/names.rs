//! The words that stand in dates, in the languages of feeds: months, and those that say nothing the numbers do not say. Words
//! are compared in lower case and without accents; a table's `*` stands for any ending.

use super::token::is_accent;

/// What a word means in a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// January is 1.
    Month(i8),
    /// A month in one language and a weekday in another: `mar`, which is also mardi, martes and martedì.
    MonthOrWeekday(i8),
    /// A weekday, or a word like `at`: nothing that is needed.
    Nothing,
    /// Before noon, or after it.
    Half(Half),
    /// What the number before it counts.
    Unit(Unit),
}

/// The half of the day that a twelve-hour clock means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    Morning,
    Afternoon,
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

const ENGLISH: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];

/// For each month its names: Germanic, Romance, Slavic languages, Finnish, Hungarian, Turkish, Greek, Indonesian.
const MONTHS: [&str; 12] = [
    "janu* jan janv* janner jaen* ianu* ian gennaio gen genn gener ene enero jan* styczen stycznia sty led leden ledna tammi* ocak oca янв* январ* сичня січ* ιαν*",
    "feb* fev* fevr* helmi* lut luty lutego uno unor* subat sub фев* лют* φεβ*",
    "mar mars marts marz* maerz mrz maart mrt marzo marco marc marec marca marzec marcius maret martie mart maalis* brez* bre мар март* берез* μαρ μαρτ* μαω",
    "apr* avr* abr* avril aprile kwi kwie* kwietnia dub duben dubna huhti* nisan nis апр* квіт* απρ*",
    "maj mai mei mayo maio maggio mag maig majus maja maia kve kvet* touko* mayis маи мая трав* μαι μαιο* μαιου",
    "juni juin junho junio juny jun giugno giu giug iun* cze czerw* cerven cervna cvn kesa* haziran haz июн* черв* ιουν* ιον",
    "juli juil juill* julho julio juliol jul luglio lug lugl iul* lip lipiec lipca cervenec cervence cvc heina* temmuz tem июл* лип* ιουλ* ιολ",
    "aug* ago agosto ago* agost aout aou agustus agt sie sierp* srp srpen srpna elo* agustos agu авг* серп* αυγ*",
    "sept* sep set sett settembre setembro setembre setiembre szept* wrz* zar zari syys* eylul eyl сен* верес* σεπ*",
    "okt* oct* ott ottobre out outubro paz pazdzier* rij rijen rijna loka* ekim eki окт* жовт* οκτ*",
    "nov* listopad* lis noy marras* kasim kas ноя* листоп* νοε*",
    "dec* dez* des* dic* grudzien grudnia gru prosin* pro joulu* aralik ara дек* груд* δεκ*",
];

/// Weekdays, and what else may stand beside a date or a time.
const NOTHING: &str = "\
    th st nd rd er re e o º ª a at an on of the and de del di do den der das dem le la les el il las los em as às alle ore ora \
    um om kl klockan klo uur godz hod saat в о у и г год года р року roku rok um in d v ve och og et to date posted published updated \
    mo montag di dienstag mi mittwoch mit do don donnerstag fr freitag fre sa samstag sams sonnabend so sonntag son die \
    lundi lun mardi mercredi mer merc jeudi jeu vendredi ven vend samedi sam dimanche dim dimanch \
    lunes martes miercoles mie mier jueves jue viernes vie sabado sab domingo dom \
    segunda terca quarta quinta sexta feira seg ter qua qui sex \
    lunedi martedi mercoledi giovedi gio venerdi sabato domenica \
    maandag ma dinsdag din woensdag woe wo donderdag vrijdag vrij vr zaterdag zat za zondag zon zo \
    poniedzialek pon wtorek wto wt sroda sro sr czwartek czw piatek pia pt sobota sob so niedziela nie niedz nd \
    pondeli po utery ut streda st ctvrtek ct patek pa nedele ne \
    pazartesi pzt sali sal carsamba car persembe per cuma cum cumartesi cmt pazar paz \
    mandag mandagen man tirsdag tir onsdag ons torsdag tor tors fredag lordag lor sondag lordagen \
    mandag tisdag tis lor \
    maanantai ma maanantaina tiistai ti keskiviikko ke torstai to perjantai pe lauantai la sunnuntai su \
    hetfo kedd szerda sze csutortok csu csut pentek pen szombat szo szom vasarnap vas hetfo het k cs p sz \
    luni marti miercuri joi vineri sambata duminica \
    senin selasa rabu kamis jumat sabtu minggu \
    dilluns dimarts dimecres dijous divendres dissabte diumenge \
    понедельник пн пон вторник вт втр среда ср сре четверг чт чет пятница пт пят суббота сб суб воскресенье вс вск воск \
    понеділок вівторок середа четвер пʼятниця пятниця субота неділя нд \
    κυρ κυριακη δευ δευτερα τρι τριτη τετ τεταρτη πεμ πεμπτη παρ παρασκευη σαβ σαββατο στισ \
    월요일 화요일 수요일 목요일 금요일 토요일 일요일 월 화 수 목 금 토 일 \
    曜 星 期 周 週 午 晨 土 金 木 水 火 一 二 三 四 五 六 天";

/// The longest word that is compared, in bytes.
const LONGEST: usize = 40;

/// What a word means, or nothing for one that is not known.
pub(super) fn meaning(word: &str) -> Option<Meaning> {
    english(word.as_bytes()).or_else(|| foreign(word))
}

/// Fast: the words that nearly all feeds have.
pub(super) fn english(word: &[u8]) -> Option<Meaning> {
    let start = word.first_chunk::<3>()?.map(|byte| byte.to_ascii_lowercase());
    let month = match &start {
        b"jan" => 0,
        b"feb" => 1,
        b"mar" if word.len() == 3 => return Some(Meaning::MonthOrWeekday(3)),
        b"mar" => 2,
        b"apr" => 3,
        b"may" => 4,
        b"jun" => 5,
        b"jul" => 6,
        b"aug" => 7,
        b"sep" => 8,
        b"oct" => 9,
        b"nov" => 10,
        b"dec" => 11,
        // `Thurs`, `Wednsday`: a weekday is not needed, however it is written.
        b"mon" | b"tue" | b"wed" | b"thu" | b"fri" | b"sat" | b"sun" => return word.is_ascii().then_some(Meaning::Nothing),
        _ => return None,
    };
    let beginning = ENGLISH.get(month)?.as_bytes().get(..word.len())?;
    let known = word.len() == 3 || beginning.eq_ignore_ascii_case(word);
    known.then(|| i8::try_from(month + 1).ok().map(Meaning::Month)).flatten()
}

fn foreign(word: &str) -> Option<Meaning> {
    let mut room = [0; LONGEST];
    let folded = fold(word, &mut room)?;
    if let Some(meaning) = half(folded).map(Meaning::Half).or_else(|| unit(word).map(Meaning::Unit)) {
        return Some(meaning);
    }
    let fits = |name: &str| name.strip_suffix('*').map_or(name == folded, |stem| folded.starts_with(stem));
    if NOTHING.split_ascii_whitespace().any(fits) {
        return Some(Meaning::Nothing);
    }
    let month = MONTHS.iter().position(|names| names.split_ascii_whitespace().any(fits)).or_else(|| misspelt(folded))?;
    let month = i8::try_from(month).ok()? + 1;
    Some(if folded == "мар" { Meaning::MonthOrWeekday(month) } else { Meaning::Month(month) })
}

/// `Januray`: the first three letters of a longish word decide.
fn misspelt(folded: &str) -> Option<usize> {
    if !(5..=10).contains(&folded.len()) {
        return None;
    }
    ENGLISH.iter().position(|name| name.as_bytes().first_chunk::<3>() == folded.as_bytes().first_chunk::<3>())
}

fn half(folded: &str) -> Option<Half> {
    match folded {
        "am" | "오전" | "上" | "前" | "早" | "凌" | "πμ" => Some(Half::Morning),
        "pm" | "오후" | "下" | "後" | "后" | "晚" | "μμ" => Some(Half::Afternoon),
        _ => None,
    }
}

/// What the number before that word counts.
pub(super) fn unit(word: &str) -> Option<Unit> {
    match word {
        "년" | "年" => Some(Unit::Year),
        "월" | "月" => Some(Unit::Month),
        "일" | "日" | "号" | "號" => Some(Unit::Day),
        "시" | "時" | "时" | "点" | "點" | "h" | "H" | "u" | "uhr" | "Uhr" | "UHR" => Some(Unit::Hour),
        "분" | "分" => Some(Unit::Minute),
        "초" | "秒" => Some(Unit::Second),
        _ => None,
    }
}

/// A word in lower case and without accents.
fn fold<'a>(word: &str, room: &'a mut [u8; LONGEST]) -> Option<&'a str> {
    let mut length = 0;
    for c in word.chars().flat_map(char::to_lowercase).filter(|c| !is_accent(*c)).map(bare) {
        let place = room.get_mut(length..length + c.len_utf8())?;
        length += c.encode_utf8(place).len();
    }
    std::str::from_utf8(room.get(..length)?).ok()
}

/// A lower-case letter without its accent.
fn bare(c: char) -> char {
    match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'ď' => 'd',
        'è'..='ë' | 'ē' | 'ę' | 'ě' => 'e',
        'ğ' => 'g',
        'ì'..='ï' | 'ī' | 'ı' => 'i',
        'ł' => 'l',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => 'o',
        'ř' => 'r',
        'ś' | 'š' | 'ş' | 'ș' => 's',
        'ţ' | 'ť' | 'ț' => 't',
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ý' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        'ά' => 'α',
        'έ' => 'ε',
        'ή' => 'η',
        'ί' | 'ϊ' | 'ΐ' => 'ι',
        'ό' => 'ο',
        'ύ' | 'ϋ' | 'ΰ' => 'υ',
        'ώ' => 'ω',
        'ς' => 'σ',
        'ё' => 'е',
        'й' => 'и',
        _ => c,
    }
}
