//! What becomes of a date is a table: `dates.txt`, one date a line. The rest are laws for any text and any moment.

use jiff::Timestamp;
use jiff::tz::Offset;
use proptest::prelude::*;

use super::{exact, parse, read};

const DATES: &str = include_str!("dates.txt");

fn shown(date: &str) -> String {
    parse(date).map_or("none".to_owned(), |at| at.to_string())
}

#[test]
fn each_date_of_the_table_is_read_as_it_says() {
    let lines = DATES.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pairs: Vec<_> = lines.map(|line| line.rsplit_once(" → ").expect("date → moment")).collect();
    assert!(pairs.len() >= 200, "the table is cut off");
    let wrong = pairs.iter().filter(|(date, moment)| shown(date) != moment.trim());
    let wrong: Vec<_> = wrong.map(|(date, moment)| format!("{date} → {} instead of {moment}", shown(date))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn white_space_of_any_sort_changes_nothing() {
    for date in [
        "\n\tFri, 10 Jan 2020\r\n 14:33:00 GMT \n",
        "Fri,\u{A0}10\u{A0}Jan\u{202F}2020 14:33:00\u{2003}GMT",
        "\u{FEFF}2020-01-10\u{200E} 14:33",
    ] {
        assert_eq!(shown(date), "2020-01-10T14:33:00Z", "{date:?}");
    }
}

#[test]
fn accents_may_be_characters_of_their_own() {
    assert_eq!(shown("10 de\u{301}cembre 2020"), "2020-12-10T00:00:00Z");
    assert_eq!(shown("10 мая 2020"), shown("10 Мая 2020"));
}

#[test]
fn what_is_too_long_for_a_date_is_none() {
    assert_eq!(shown(&format!("2020-01-10{}", " ".repeat(100_000))), "2020-01-10T00:00:00Z");
    assert_eq!(shown(&format!("2020-01-10{}.", " ".repeat(100_000))), "none");
    assert_eq!(shown(&"9".repeat(100_000)), "none");
    assert_eq!(shown(&"(".repeat(200)), "none");
}

/// Pieces that dates are made of, so that what is put together at random is often nearly one.
fn nearly_a_date() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[0-9]{1,14}",
        "[ T:/.,()+'-]",
        "(Jan|mar|Sept|GMT|EST|Z|T|W|PM|a\\.m\\.|Etc/|年|월|오후|下午|января|Mär|at|h)",
        "\\PC",
    ];
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

fn moments() -> impl Strategy<Value = Timestamp> {
    (-30_000_000_000_i64..250_000_000_000).prop_map(|second| Timestamp::from_second(second).expect("in range"))
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), nearly in nearly_a_date()) {
        let _ = (parse(&text), parse(&nearly));
    }

    #[test]
    fn the_short_way_agrees_with_the_reader(nearly in nearly_a_date(), at in moments()) {
        let at = at.to_zoned_datetime(Offset::constant(-3).to_time_zone());
        for date in [nearly, at.strftime("%a, %d %b %Y %H:%M:%S %z").to_string(), at.strftime("%FT%T.5%:z").to_string()] {
            if let Some(found) = exact::read(&date) {
                prop_assert_eq!(read(&date), Some(found), "{}", date);
            }
        }
    }

    #[test]
    fn a_moment_comes_back_from_each_common_form(at in moments(), minutes in -840_i32..=840) {
        let zone = Offset::from_seconds(minutes * 60).expect("in range").to_time_zone();
        let (local, utc) = (at.to_zoned_datetime(zone), at.to_zoned_datetime(jiff::tz::TimeZone::UTC));
        for format in ["%a, %d %b %Y %H:%M:%S %z", "%FT%T%:z", "%F %T %z", "%Y%m%dT%H%M%S%z", "%A, %B %d, %Y at %I:%M:%S %p %:z", "%a %b %d %Y %T GMT%z", "%G-W%V-%uT%T%:z", "%Y-%jT%T%:z"] {
            let date = local.strftime(format).to_string();
            prop_assert_eq!(parse(&date), Some(at), "{}", date);
        }
        for format in ["%a %b %e %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S GMT", "%FT%TZ", "%Y/%m/%d %T", "%d.%m.%Y %T", "%m/%d/%Y %T", "%Y年%m月%d日 %H時%M分%S秒", "%d-%b-%Y %T"] {
            let date = utc.strftime(format).to_string();
            prop_assert_eq!(parse(&date), Some(at), "{}", date);
        }
    }

    #[test]
    fn a_count_of_seconds_or_milliseconds_is_a_moment(second in 1_000_000_000_i64..9_999_999_999) {
        prop_assert_eq!(parse(&second.to_string()), Timestamp::from_second(second).ok());
        prop_assert_eq!(parse(&format!("{second}000")), Timestamp::from_second(second).ok());
    }
}
