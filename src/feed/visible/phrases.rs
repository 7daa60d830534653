//! PURE. Ages, counters and dates as publishing programs write them, with figures and without, in some languages. Goes in:
//! words in small letters. Comes out: how many of them are one such phrase. Only whole phrases are known, and spelled-out
//! amounts only of short times, so that prose stays what it says.

use std::collections::HashSet;
use std::sync::LazyLock;

/// What a phrase is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phrase {
    /// How long ago: "3 min ago", "yesterday".
    Age,
    /// How many of what: "12 comments", "no comments yet".
    Count(&'static str),
}

/// How a language tells an age: `before` an amount, the amount, a unit, `after`.
struct Tongue {
    before: Vec<&'static str>,
    /// Amounts without figures.
    few: Vec<Vec<&'static str>>,
    /// Units up to a day: an age in these is a program's.
    short: HashSet<&'static str>,
    /// Longer ones: without figures they may well be an author's ("he died a year ago").
    long: HashSet<&'static str>,
    after: Vec<&'static str>,
}

/// Of each language these five, as words; amounts are divided by `|`.
const TONGUES: &[[&str; 5]] = &[
    [
        "",
        "a|an|one|few|a few",
        "s sec secs second seconds m min mins minute minutes h hr hrs hour hours d day days",
        "w week weeks month months y year years",
        "ago",
    ],
    [
        "vor",
        "einem|einer|ein paar|wenigen|einigen",
        "sek sekunde sekunden min minute minuten std stunde stunden tag tagen",
        "woche wochen monat monaten jahr jahren",
        "",
    ],
    [
        "il y a",
        "un|une|quelques",
        "s seconde secondes min minute minutes h heure heures j jour jours",
        "semaine semaines mois an ans",
        "",
    ],
    [
        "hace",
        "un|una|unos|unas|pocos|pocas",
        "segundo segundos min minuto minutos h hora horas día días dia dias",
        "semana semanas mes meses año años",
        "",
    ],
    [
        "há",
        "um|uma|alguns|poucos",
        "segundo segundos min minuto minutos h hora horas dia dias",
        "semana semanas mês meses ano anos",
        "",
    ],
    [
        "",
        "un|una|pochi|alcuni",
        "secondi min minuto minuti h ora ore giorno giorni",
        "settimana settimane mese mesi anno anni",
        "fa",
    ],
    ["", "een|één|enkele|een paar", "seconden min minuut minuten uur uren dag dagen", "week weken maand maanden jaar", "geleden"],
    [
        "",
        "kilka",
        "sekund min minutę minuty minut godz godzinę godziny godzin dzień dni",
        "tydzień tygodnie tygodni miesiąc miesiące miesięcy rok lata lat",
        "temu",
    ],
    [
        "",
        "несколько",
        "секунд мин минуту минуты минут час часа часов день дня дней",
        "неделю недели недель месяц месяца месяцев год года лет",
        "назад",
    ],
    ["för", "en|ett|några", "sekunder min minut minuter timme timmar dag dagar", "vecka veckor månad månader år", "sedan"],
];

/// What may stand before an amount.
const HEDGES: &str = "\
    about almost around over less more than etwa circa ca fast über environ presque casi cerca de quasi ongeveer \
    około около ungefär";
/// So many of them at most.
const MOST_HEDGES: usize = 2;

/// Ages that have no amount.
const AT_ONCE: &str = "\
    yesterday|gestern|ayer|ieri|ontem|gisteren|wczoraj|вчера|igår|just now|moments ago|a moment ago|seconds ago|\
    minutes ago|gerade eben|à l'instant|hace un momento|hace instantes|un'ora fa|poco fa|agora mesmo|zojuist|\
    przed chwilą|только что|just nu";
/// Ages only beside a time of day ("today at 9:05"): alone they may well be an author's.
const WITH_TIME: &str = "today heute aujourd'hui hier hoy oggi hoje vandaag dzisiaj dziś сегодня idag";
/// What stands between such a word and the time.
const AT: &str = "at um à a las alle ore às om o в kl";

/// What is counted under a post, in all its forms; the first one stands for them.
const COUNTED: &str = "\
    boost boosts|clap claps|download downloads|favorite favorites|favourite favourites|like likes|point points|\
    read reads|repost reposts|retweet retweets|share shares|star stars|upvote upvotes|view views|vote votes|\
    aufruf aufrufe|stimme stimmen|vue vues|partage partages|vista vistas|visita visitas|\
    visualizzazione visualizzazioni|visualização visualizações|weergave weergaven|просмотр просмотра просмотров";
/// What readers write under a post: it is counted in words too.
const WRITTEN: &str = "\
    comment comments|reply replies|response responses|reaction reactions|kommentar kommentare kommentarer|\
    antwort antworten|reaktion reaktionen|commentaire commentaires|réponse réponses|réaction réactions|\
    comentario comentarios|respuesta respuestas|commento commenti|risposta risposte|comentário comentários|\
    resposta respostas|reactie reacties|antwoord antwoorden|komentarz komentarze komentarzy|odpowiedź odpowiedzi|\
    комментарий комментария комментариев|ответ ответа ответов";
/// How none of them are told, before a plural …
const NONE: &str = "\
    no|keine|noch keine|bisher keine|pas de|pas encore de|sin|no hay|aún no hay|todavía no hay|nessun|sem|geen|\
    nog geen|brak|нет|inga";
/// … and one of them, or none where that is told in the singular. "Leave a comment" stands where there is none yet.
const ONE: &str = "\
    a|one|leave a|post a|add a|ein|eine|un|une|una|aucun|aucune|ningún|ninguna|nessun|nessuna|um|uma|nenhum|nenhuma|\
    pas de|pas encore de|een|één|en";
/// What may follow.
const YET: &str = "yet|so far|pour le moment|pour l'instant";

/// Words of dates: with a figure beside them they are one. Not "may", which a reader may take for something else.
const OF_DATES: &str = "\
    jan feb mar apr jun jul aug sep sept oct nov dec january february march april june july august september october \
    november december mon tue tues wed thu thur thurs fri sat sun monday tuesday wednesday thursday friday saturday \
    sunday am pm utc gmt at januar februar märz mai juni juli oktober dezember montag dienstag mittwoch donnerstag \
    freitag samstag sonntag uhr janvier février mars avril juin juillet août septembre octobre novembre décembre \
    lundi mardi mercredi jeudi vendredi samedi dimanche enero febrero marzo abril mayo junio julio agosto septiembre \
    octubre noviembre diciembre lunes martes miércoles jueves viernes sábado domingo gennaio febbraio aprile maggio \
    giugno luglio settembre ottobre novembre dicembre lunedì martedì mercoledì giovedì venerdì sabato domenica \
    janeiro fevereiro março maio junho julho setembro outubro novembro dezembro januari februari maart mei augustus \
    maandag dinsdag woensdag donderdag vrijdag zaterdag zondag";
/// What joins the words of a date: "5 de enero de 2026".
const JOINS: &[&str] = &["de", "of"];
/// A date has so many words at most; a page full of months costs no more than any other.
const MOST_OF_DATE: usize = 12;

/// All of the above, ready to be compared.
struct Words {
    tongues: Vec<Tongue>,
    hedges: HashSet<&'static str>,
    at_once: Vec<Vec<&'static str>>,
    with_time: HashSet<&'static str>,
    at: HashSet<&'static str>,
    counted: Vec<Vec<&'static str>>,
    written: Vec<Vec<&'static str>>,
    none: Vec<Vec<&'static str>>,
    one: Vec<Vec<&'static str>>,
    yet: Vec<Vec<&'static str>>,
    dates: HashSet<&'static str>,
    /// What a phrase without a figure may begin with: most words are none, and cost one look.
    first: HashSet<&'static str>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let set = |text: &'static str| text.split_whitespace().collect::<HashSet<_>>();
    let lists = |text: &'static str| text.split('|').map(|one| one.split_whitespace().collect()).collect::<Vec<Vec<_>>>();
    let tongue = |[before, few, short, long, after]: [&'static str; 5]| Tongue {
        before: before.split_whitespace().collect(),
        few: lists(few),
        short: set(short),
        long: set(long),
        after: after.split_whitespace().collect(),
    };
    let tongues: Vec<Tongue> = TONGUES.iter().copied().map(tongue).collect();
    let first = [AT_ONCE, NONE, ONE].map(lists).concat().into_iter().filter_map(|words| words.first().copied());
    let of_ages = tongues.iter().flat_map(|tongue| tongue.few.iter().chain([&tongue.before])).filter_map(|words| words.first());
    let first = first.chain(of_ages.copied()).chain(set(WITH_TIME)).chain(set(HEDGES)).collect();
    Words {
        tongues,
        hedges: set(HEDGES),
        at_once: lists(AT_ONCE),
        with_time: set(WITH_TIME),
        at: set(AT),
        counted: lists(COUNTED),
        written: lists(WRITTEN),
        none: lists(NONE),
        one: lists(ONE),
        yet: lists(YET),
        dates: set(OF_DATES),
        first,
    }
});

/// The phrase that these words begin with, and of how many of them it consists.
pub(super) fn begins(words: &[String]) -> Option<(usize, Phrase)> {
    let first = words.first()?;
    if !is_number(first) && !WORDS.first.contains(first.as_str()) {
        return None;
    }
    let age = any_of(words, &WORDS.at_once).or_else(|| with_time(words));
    let age = age.or_else(|| WORDS.tongues.iter().find_map(|tongue| tongue.age(words)));
    age.map(|length| (length, Phrase::Age)).or_else(|| counter(words))
}

/// Of how many words the date or number consists that these begin with; nothing where there is no figure in it.
pub(super) fn date(words: &[String]) -> Option<usize> {
    let is_date = |place: usize| words.get(place).is_some_and(|word| WORDS.dates.contains(word.as_str()));
    let joins = |place: usize| JOINS.contains(&words[place].as_str()) && place > 0 && (is_date(place - 1) || is_date(place + 1));
    let most = words.len().min(MOST_OF_DATE);
    let length = (0..most).take_while(|place| is_number(&words[*place]) || is_date(*place) || joins(*place)).count();
    words[..length].iter().any(|word| is_number(word)).then_some(length)
}

/// A word in small letters, without the punctuation around it.
pub(super) fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase().replace('’', "'")
}

impl Tongue {
    fn age(&self, words: &[String]) -> Option<usize> {
        let mut length = starts(words, &self.before)?;
        length += words[length..].iter().take(MOST_HEDGES).take_while(|word| WORDS.hedges.contains(word.as_str())).count();
        let figure = words.get(length).is_some_and(|word| is_number(word));
        length += if figure { 1 } else { any_of(&words[length..], &self.few)? };
        let unit = words.get(length).map_or("", String::as_str);
        if self.short.contains(unit) || figure && self.long.contains(unit) {
            length += 1;
        } else if !figure || self.after.is_empty() {
            // "5m ago" has its unit with the figure.
            return None;
        }
        Some(length + starts(&words[length..], &self.after)?)
    }
}

fn with_time(words: &[String]) -> Option<usize> {
    let (first, rest) = words.split_first()?;
    let between = rest.iter().take(2).take_while(|word| WORDS.at.contains(word.as_str())).count();
    let is_time = |word: &String| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains([':', 'h']);
    (WORDS.with_time.contains(first.as_str()) && rest.get(between).is_some_and(is_time)).then_some(1)
}

fn counter(words: &[String]) -> Option<(usize, Phrase)> {
    let noun = |place: usize, of: &'static [Vec<&'static str>], form: fn(usize) -> bool| {
        let word = words.get(place)?;
        of.iter()
            .find(|forms| forms.iter().position(|own| own == word).is_some_and(form))
            .and_then(|forms| forms.first().copied())
    };
    let (length, what) = if is_number(words.first()?) {
        (1, noun(1, &WORDS.counted, |_| true).or_else(|| noun(1, &WORDS.written, |_| true))?)
    } else {
        // "No comments" is a counter; "no comment" is an answer.
        let told = |amounts, form| any_of(words, amounts).and_then(|length| Some((length, noun(length, &WORDS.written, form)?)));
        told(&WORDS.none, |form| form > 0).or_else(|| told(&WORDS.one, |form| form == 0))?
    };
    let length = length + 1;
    Some((length + any_of(&words[length..], &WORDS.yet).unwrap_or(0), Phrase::Count(what)))
}

/// The length of the longest of these that the words begin with.
fn any_of(words: &[String], of: &[Vec<&str>]) -> Option<usize> {
    of.iter().filter_map(|phrase| starts(words, phrase)).max()
}

fn starts(words: &[String], with: &[&str]) -> Option<usize> {
    let begins = words.len() >= with.len() && words.iter().zip(with).all(|(word, own)| word == own);
    begins.then_some(with.len())
}

/// Digits, with what belongs to a number or a time of day: `12`, `1,234`, `12:30`, `3rd`, `12K`, `5min`, `2026-01-05`.
fn is_number(word: &str) -> bool {
    let letters = word.trim_start_matches(|c: char| c.is_numeric() || matches!(c, '.' | ',' | ':' | '-' | '/'));
    letters.len() < word.len() && letters.len() <= 4 && letters.chars().all(|c| c.is_ascii_alphabetic()) || is_timestamp(word)
}

/// `2026-01-05T08:00:00Z` and its kin.
fn is_timestamp(word: &str) -> bool {
    let of_time = |c: char| c.is_ascii_digit() || matches!(c, '-' | ':' | '.' | '+' | 't' | 'z');
    word.starts_with(|c: char| c.is_ascii_digit()) && word.contains(':') && word.chars().all(of_time)
}
