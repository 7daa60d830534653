//! The rules, one by one, and what holds for all of them.

use proptest::prelude::*;

use super::*;
use crate::feed::{Hints, Period};
use crate::units::Interval;

const NOON: i64 = 1_795_521_600; // 2026-11-24, a Tuesday

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn set(seconds: u64) -> Settings {
    Settings { every: Every::Set(Interval::from_secs(seconds)), recheck: None }
}

/// A feed that was read before and has had something new a day ago.
fn known() -> Habits {
    Habits { appeared: vec![at(NOON - 86_400)], since: Some(at(NOON - 864_000)), ..Habits::default() }
}

fn hinted(hints: Hints) -> Habits {
    Habits { hints, ..known() }
}

const ZERO: Offset = Offset::at(0);
const WELL: Answered = Answered::Well { first: false };

fn poll(settings: Settings, habits: &Habits) -> Poll<'_> {
    Poll { settings, offset: ZERO, habits, asked_at: at(NOON), whom: Whom::Publisher, whole: false }
}

/// The wait in minutes, and why.
fn told(settings: Settings, habits: &Habits, answered: Answered) -> (i64, String) {
    let next = next_poll(&poll(settings, habits), answered);
    ((next.at.as_second() - NOON) / 60, next.because)
}

fn minutes(settings: Settings, habits: &Habits, answered: Answered) -> i64 {
    told(settings, habits, answered).0
}

fn badly(status: u16, failures: u32) -> Answered {
    Answered::Badly { status: Some(status), retry_after: None, failures }
}

fn busy(status: u16, seconds: u64) -> Answered {
    Answered::Badly { status: Some(status), retry_after: Some(Duration::from_secs(seconds)), failures: 1 }
}

fn lasting(seconds: u64) -> Habits {
    Habits { lifetime: Some(seconds), ..known() }
}

#[test]
fn p11_a_feed_is_asked_once_an_hour_or_as_its_user_says_and_once_a_day_without_validators() {
    assert_eq!(told(Settings::default(), &known(), WELL), (60, "the usual interval of 1h".to_owned()));
    assert_eq!(told(set(1_200), &known(), WELL), (20, "the feed's interval of 20m".to_owned()));
    let whole = |settings| next_poll(&Poll { whole: true, ..poll(settings, &known()) }, WELL).at.as_second() - NOON;
    assert_eq!((whole(Settings::default()), whole(set(7_200))), (86_400, 7_200));
    assert_eq!(whole(Settings { every: Every::Auto, recheck: None }), 86_400);
}

#[test]
fn p12_the_gap_is_counted_from_the_start_of_the_request_and_grows_by_the_offset_alone() {
    for offset in [0, 1, u32::MAX / 2, u32::MAX] {
        let next = next_poll(&Poll { offset: Offset::at(offset), ..poll(set(3_600), &known()) }, WELL);
        let gap = next.at.as_second() - NOON;
        assert!((3_600..=3_960).contains(&gap), "{offset}: {gap}");
    }
}

#[test]
fn p13_a_cache_lifetime_is_waited_for_and_bounded() {
    assert_eq!(told(set(3_600), &lasting(43_200), WELL), (720, "the publisher's cache lifetime of 12h".to_owned()));
    assert_eq!(minutes(set(3_600), &lasting(60), WELL), 60);
    assert_eq!(minutes(set(3_600), &lasting(365 * 86_400), WELL), 7 * 24 * 60);
    assert_eq!(minutes(set(30 * 86_400), &lasting(365 * 86_400), WELL), 30 * 24 * 60);
    assert_eq!(next_poll(&poll(set(3_600), &lasting(43_200)), WELL).fresh_until, Some(at(NOON + 43_200)));
    let kept = lasting(43_200).after_unchanged(None);
    assert_eq!(kept.lifetime, Some(43_200), "a 304 without a word on it leaves it as it was");
    assert_eq!(kept.after_unchanged(Some(Duration::ZERO)).lifetime, Some(0));
    assert_eq!(kept.after_whole(None, at(NOON)).lifetime, None, "another document has another lifetime");
}

#[test]
fn p14_what_is_not_to_be_kept_is_asked_for_at_the_usual_interval() {
    assert_eq!(minutes(Settings::default(), &lasting(0), WELL), 60);
}

#[test]
fn p16_a_retry_after_is_obeyed_and_bounded_and_a_429_is_its_whole_hosts() {
    let next = |answered| next_poll(&poll(set(3_600), &known()), answered);
    let five_hours = next(busy(429, 5 * 3_600));
    assert_eq!(five_hours.at, at(NOON + 5 * 3_600));
    assert_eq!((five_hours.left_alone_until, five_hours.host_rests_until), (Some(five_hours.at), Some(five_hours.at)));
    assert_eq!(five_hours.because, "the publisher's Retry-After of 5h");
    assert_eq!(next(busy(503, 5 * 3_600)).host_rests_until, None, "one feed may be slow to make, and the others not");
    assert_eq!(next(busy(429, 400 * 86_400)).at, at(NOON + 7 * 86_400));
    let passed = next(busy(429, 0));
    assert_eq!((passed.at, passed.host_rests_until), (at(NOON + 3_600), Some(at(NOON + 3_600))), "a date that has passed");
    let short = next(busy(429, 5));
    assert_eq!((short.at, short.left_alone_until), (at(NOON + 3_600), Some(at(NOON + 5))), "the wish is not the interval");
    assert_eq!(next(busy(403, 5)).at, at(NOON + 6 * 3_600), "a refusal is not shortened by it");
    assert_eq!(next(busy(500, 5 * 3_600)).at, at(NOON + 5 * 3_600));
}

/// The hours that are waited after so many failures in a row.
fn hours_after(status: u16) -> [i64; 6] {
    [1, 2, 3, 4, 5, 4_000_000_000].map(|failures| minutes(set(900), &known(), badly(status, failures)) / 60)
}

#[test]
fn p17_who_is_too_busy_and_names_no_time_is_left_alone_for_two_hours_and_then_for_up_to_a_day() {
    for busy in [429, 503] {
        assert_eq!(hours_after(busy), [2, 4, 8, 16, 24, 24], "{busy}");
    }
    assert_eq!(next_poll(&poll(set(900), &known()), badly(429, 1)).host_rests_until, Some(at(NOON + 7_200)));
    assert_eq!(minutes(set(900), &known(), WELL), 15, "one good answer, and all is as before");
}

#[test]
fn p19_who_refuses_is_left_alone_for_six_hours_and_then_for_up_to_a_week() {
    for refused in [401, 402, 403, 451] {
        assert_eq!(hours_after(refused), [6, 12, 24, 48, 96, 168], "{refused}");
    }
}

#[test]
fn p20_a_document_that_is_not_there_is_looked_for_ever_less_often_and_never_given_up() {
    assert_eq!(hours_after(404), [1, 2, 4, 8, 16, 24]);
}

#[test]
fn p18_other_failures_double_the_wait_from_an_hour_to_a_day() {
    for failing in [500, 502, 504, 522, 400, 206, 300] {
        assert_eq!(hours_after(failing), [1, 2, 4, 8, 16, 24], "{failing}");
    }
    let none = Answered::Badly { status: None, retry_after: None, failures: 3 };
    assert_eq!(told(set(900), &known(), none), (240, "back-off after 3 failures".to_owned()), "no name, no TLS, no time");
    assert_eq!(minutes(set(7 * 86_400), &known(), badly(500, 1)), 7 * 24 * 60, "never sooner than when all is well");
    let habits = known();
    let whole = Poll { whole: true, ..poll(Settings::default(), &habits) };
    assert_eq!(next_poll(&whole, badly(500, 1)).at, at(NOON + 86_400), "P9: nor a whole document out of turn");
}

#[test]
fn p28_feeds_that_are_subscribed_together_do_not_stay_together() {
    let offset = |number: u32| Offset::of(&format!("https://one.example/{number}"));
    assert_eq!(offset(1), offset(1));
    let habits = known();
    let second = |number| {
        let poll = Poll { offset: offset(number), ..poll(Settings::default(), &habits) };
        next_poll(&poll, Answered::Well { first: true }).at.as_second() - NOON
    };
    let times: Vec<i64> = (0..100).map(second).collect();
    assert!(times.iter().all(|time| (3_600..=7_200).contains(time)), "{times:?}");
    let most = (0..6).map(|slot| times.iter().filter(|time| (*time - 3_600) / 600 == slot).count()).max();
    assert!(most < Some(34), "in ten minutes: {most:?} of 100");
}

#[test]
fn p29_a_ttl_and_skipped_hours_and_days_are_honoured() {
    let ttl = |minutes| hinted(Hints { ttl: Some(minutes), ..Hints::default() });
    assert_eq!(told(set(3_600), &ttl(120), WELL), (120, "the feed's own ttl of 2h".to_owned()));
    assert_eq!(minutes(set(3_600), &ttl(5), WELL), 60);
    assert_eq!(minutes(set(3_600), &ttl(u32::MAX), WELL), 7 * 24 * 60);
    assert_eq!(minutes(set(3_600), &ttl(600), badly(500, 1)), 600, "while it fails, too");

    let skips = |hours: &[u8], days: &[u8]| {
        let (skip_hours, skip_days) = (hours.iter().copied().collect(), days.iter().copied().collect());
        hinted(Hints { skip_hours, skip_days, ..Hints::default() })
    };
    let (wait, because) = told(set(3_600), &skips(&[13, 14], &[]), WELL);
    assert_eq!(wait, 180);
    assert!(because.starts_with("the feed's interval of 1h, and then the hours"), "{because}");
    assert_eq!(minutes(set(3_600), &skips(&[12], &[]), WELL), 60);
    assert_eq!(minutes(set(3_600), &skips(&[], &[2]), WELL), 12 * 60, "Wednesday begins at midnight, GMT");
    assert_eq!(minutes(set(3_600), &skips(&[0, 1], &[2, 3]), WELL), (12 + 24 + 2) * 60);
    let all: Vec<u8> = (0..24).collect();
    assert_eq!(minutes(set(3_600), &skips(&all, &[]), WELL), 60, "who skips all hours skips none");
    assert!(is_skipped(&skips(&[12], &[]).hints, at(NOON + 3_599)) && !is_skipped(&skips(&[12], &[]).hints, at(NOON + 3_600)));
}

#[test]
fn p30_an_update_period_is_a_least_wait() {
    let says = |period, frequency, base: Option<&str>| {
        let (update_period, update_frequency) = (Some(period), frequency);
        hinted(Hints { update_period, update_frequency, update_base: base.map(|at| at.parse().unwrap()), ..Hints::default() })
    };
    let wait = |habits: &Habits| minutes(set(3_600), habits, WELL) / 60;
    assert_eq!(wait(&says(Period::Daily, None, None)), 24);
    assert_eq!(wait(&says(Period::Daily, Some(4), None)), 6);
    assert_eq!(wait(&says(Period::Weekly, Some(1), None)), 7 * 24);
    assert_eq!(wait(&says(Period::Yearly, Some(1), None)), 7 * 24, "no further than a week");
    assert_eq!(wait(&says(Period::Daily, None, Some("2026-11-01T15:00:00Z"))), 27, "the change is three hours later");
    assert_eq!(wait(&says(Period::Daily, None, Some("2026-11-01T23:00:00Z"))), 24, "too much later to be waited for");
    let words = told(set(3_600), &says(Period::Daily, Some(2), None), WELL).1;
    assert_eq!(words, "the feed's own sy:updatePeriod, once in 12h");
}

#[test]
fn p31_an_update_period_never_makes_requests_more_frequent() {
    let wordpress = Hints {
        update_period: Some(Period::Hourly),
        update_frequency: Some(1),
        update_base: "2000-01-01T12:10:00Z".parse().ok(),
        ..Hints::default()
    };
    assert_eq!(minutes(set(6 * 3_600), &hinted(wordpress.clone()), WELL), 360);
    assert_eq!(minutes(Settings::default(), &hinted(wordpress), WELL), 60);
    let often = Hints { update_period: Some(Period::Hourly), update_frequency: Some(u32::MAX), ..Hints::default() };
    assert_eq!(minutes(Settings::default(), &hinted(often), WELL), 60);
}

#[test]
fn p36_a_feed_in_which_nothing_is_new_is_asked_less_often_unless_its_interval_is_set() {
    let quiet = |days: i64| Habits { appeared: vec![at(NOON - days * 86_400)], ..known() };
    let wait = |settings, days| minutes(settings, &quiet(days), WELL) / 60;
    assert_eq!([1, 29, 30, 179, 180, 4_000].map(|days| wait(Settings::default(), days)), [1, 1, 6, 6, 24, 24]);
    assert_eq!(wait(set(3_600), 4_000), 1, "the user's word pins it");
    assert!(told(Settings::default(), &quiet(40), WELL).1.contains("30 days"));
    let new = Answered::Well { first: true };
    assert_eq!(minutes(Settings::default(), &quiet(200), new), 24 * 60, "a feed that was quiet for long before it was added");
}

#[test]
fn p36_a_file_is_looked_at_at_its_interval_and_a_program_is_run_at_its_own() {
    let quiet = Habits { appeared: vec![at(NOON - 400 * 86_400)], ..hinted(Hints { ttl: Some(120), ..Hints::default() }) };
    let wait = |whom, answered| {
        let poll = Poll { whom, offset: Offset::at(u32::MAX), ..poll(Settings::default(), &quiet) };
        (next_poll(&poll, answered).at.as_second() - NOON) / 60
    };
    let (first, missing) = (Answered::Well { first: true }, Answered::Badly { status: None, retry_after: None, failures: 9 });
    assert_eq!([first, WELL, missing].map(|answered| wait(Whom::File, answered)), [60; 3], "no spread, no back-off, no ttl");
    assert_eq!([first, WELL].map(|answered| wait(Whom::Program, answered)), [131; 2], "a ttl and a tenth of it");
    assert_eq!(wait(Whom::Publisher, WELL), 24 * 60 + 59);
}

#[test]
fn a_program_that_asks_to_be_tried_later_is_at_first_tried_at_the_usual_interval() {
    let wait = |settings, failures| minutes(settings, &known(), Answered::Later { failures });
    assert_eq!([1, 2, 3, 4, 5, 99].map(|failures| wait(set(1_800), failures)), [30, 60, 120, 240, 480, 24 * 60]);
    assert_eq!([1, 2, 5, 99].map(|failures| wait(set(2 * 86_400), failures)), [2 * 24 * 60; 4]);
    assert_eq!(told(set(1_800), &known(), Answered::Later { failures: 1 }).1, "the feed's interval of 30m");
    assert_eq!(told(set(1_800), &known(), Answered::Later { failures: 2 }).1, "back-off after 2 failures");
}

#[test]
fn an_automatic_interval_is_the_median_gap_of_the_last_publications() {
    let auto = Settings { every: Every::Auto, recheck: None };
    let after = |gaps: &[i64]| {
        let mut last = NOON - gaps.iter().sum::<i64>();
        let times = std::iter::once(last).chain(gaps.iter().map(|gap| {
            last += gap;
            last
        }));
        Habits { appeared: times.map(at).collect(), ..known() }
    };
    assert_eq!(
        told(auto, &after(&[7_200, 7_200, 90_000, 3_600]), WELL),
        (120, "its own pace: something new about every 2h".into())
    );
    assert_eq!(minutes(auto, &after(&[60, 60, 60]), WELL), 15);
    assert_eq!(minutes(auto, &after(&[864_000, 864_000, 864_000]), WELL), 24 * 60);
    assert!(told(auto, &after(&[60]), WELL).1.starts_with("the usual interval of 1h, until"));
}

#[test]
fn a_feeds_pace_is_learned_from_when_its_entries_really_appeared() {
    let hour = |hour: i64| at(NOON + hour * 3_600);
    let first =
        Habits::default().after_document(Hints::default(), &[Some(hour(-30)), Some(hour(-5)), None, Some(hour(90))], hour(0));
    assert_eq!(first.appeared, [hour(-30), hour(-5), hour(0)], "what is undated at first says nothing; the future is now");
    let then = first.after_document(Hints::default(), &[Some(hour(4)), Some(hour(-2_000)), None], hour(6));
    assert_eq!(then.appeared, [hour(-30), hour(-5), hour(0), hour(4), hour(6)], "an old date on a new entry is not believed");
    let many = (7..60).fold(then, |habits, at| habits.after_document(Hints::default(), &[None], hour(at)));
    assert_eq!((many.appeared.len(), many.appeared.last(), many.since), (20, Some(&hour(59)), Some(hour(0))));
    let together = Habits::default().after_document(Hints::default(), &[Some(hour(-1)); 50], hour(0));
    assert_eq!(together.appeared.len(), 1, "what appears together is one publication");
    let text = serde_json::to_string(&many).unwrap();
    assert_eq!(serde_json::from_str::<Habits>(&text).unwrap(), many);
    assert_eq!(serde_json::from_str::<Habits>("{}").unwrap(), Habits::default());
}

#[test]
fn p10_a_server_that_says_unchanged_for_ever_is_rechecked_only_where_it_is_wished() {
    let month = Duration::from_secs(30 * 86_400);
    let habits = |days: i64| Habits { whole_at: Some(at(NOON - days * 86_400)), ..known() };
    assert!(!is_to_be_rechecked(Settings::default(), &habits(4_000), at(NOON)), "off by default");
    let wished = Settings { recheck: Some(month), ..Settings::default() };
    assert!(!is_to_be_rechecked(wished, &habits(29), at(NOON)));
    assert!(is_to_be_rechecked(wished, &habits(30), at(NOON)));
    assert!(!is_to_be_rechecked(wished, &Habits::default(), at(NOON)));
}

prop_compose! {
    fn any_hints()(
        ttl in prop::option::of(any::<u32>()),
        skip_hours in prop::collection::btree_set(0_u8..24, 0..24),
        skip_days in prop::collection::btree_set(1_u8..=7, 0..7),
        period in prop::option::of(prop::sample::select(vec![Period::Hourly, Period::Daily, Period::Weekly, Period::Yearly])),
        update_frequency in prop::option::of(any::<u32>()),
        base in prop::option::of(-60_000_000_000_i64..200_000_000_000),
    ) -> Hints {
        Hints { ttl, skip_hours, skip_days, update_period: period, update_frequency, update_base: base.map(at) }
    }
}

prop_compose! {
    fn any_habits()(
        hints in any_hints(),
        lifetime in prop::option::of(any::<u64>()),
        appeared in prop::collection::btree_set(-60_000_000_000_i64..200_000_000_000, 0..20),
        since in prop::option::of(-60_000_000_000_i64..200_000_000_000),
    ) -> Habits {
        Habits { hints, lifetime, appeared: appeared.into_iter().map(at).collect(), since: since.map(at), whole_at: None }
    }
}

fn any_every() -> impl Strategy<Value = Every> {
    let set = (0_u64..3_000_000).prop_map(|seconds| Every::Set(Interval::from_secs(seconds)));
    prop_oneof![Just(Every::Usual), Just(Every::Auto), set]
}

fn any_answer() -> impl Strategy<Value = Answered> {
    let badly = (prop::option::of(any::<u16>()), prop::option::of(any::<u64>()), 1_u32..)
        .prop_map(|(status, wish, failures)| Answered::Badly { status, retry_after: wish.map(Duration::from_secs), failures });
    let later = (1_u32..).prop_map(|failures| Answered::Later { failures });
    prop_oneof![any::<bool>().prop_map(|first| Answered::Well { first }), badly, later]
}

proptest! {
    #[test]
    fn no_poll_is_before_what_anyone_asked_for_nor_further_off_than_can_be(
        every in any_every(), habits in any_habits(), answered in any_answer(), offset in any::<u32>(), whole in any::<bool>(),
    ) {
        let settings = Settings { every, recheck: None };
        let poll = Poll { settings, offset: Offset::at(offset), habits: &habits, asked_at: at(NOON), whom: Whom::Publisher, whole };
        let next = next_poll(&poll, answered);
        let wait = u64::try_from(next.at.as_second() - NOON).unwrap();
        let week = FURTHEST.as_secs();
        let interval = every.interval(&habits).least.as_secs();
        prop_assert!(wait >= interval);
        prop_assert!(wait >= (u64::from(habits.hints.ttl.unwrap_or(0)) * 60).min(week));
        match answered {
            Answered::Well { .. } => prop_assert!(wait >= habits.lifetime.unwrap_or(0).min(week), "never before max-age"),
            Answered::Badly { retry_after, .. } => {
                let wish = retry_after.unwrap_or_default().as_secs().min(week);
                prop_assert!(wait >= wish, "never before Retry-After");
                prop_assert!(retry_after.is_none() || next.left_alone_until >= Some(at(NOON + i64::try_from(wish).unwrap())));
            }
            Answered::Later { .. } => {}
        }
        prop_assert!(wait <= BEYOND.as_secs() + interval, "what lies further off is taken for a clock's mistake: {wait}");
        let skips_all = (0..7 * 24).all(|hour| is_skipped(&habits.hints, at(NOON + hour * 3_600)));
        prop_assert!(skips_all || !is_skipped(&habits.hints, next.at));
        prop_assert_eq!(next_poll(&poll, answered), next, "the same always");
    }

    #[test]
    fn waits_grow_with_failures(status in prop::option::of(any::<u16>()), failures in 1_u32..100, offset in any::<u32>()) {
        let habits = known();
        let poll = Poll { offset: Offset::at(offset), ..poll(set(900), &habits) };
        let wait = |failures| next_poll(&poll, Answered::Badly { status, retry_after: None, failures }).at;
        prop_assert!(wait(failures) <= wait(failures + 1));
        prop_assert!(wait(failures) >= next_poll(&poll, WELL).at);
    }

    #[test]
    fn an_offset_lies_within_and_is_the_same_always(url in ".*", stretch in 0_u64..10_000_000) {
        let stretch = Duration::from_secs(stretch);
        prop_assert!(Offset::of(&url).within(stretch) <= stretch);
        prop_assert_eq!(Offset::of(&url).after(stretch), Offset::of(&url).after(stretch));
        prop_assert!(Offset::of(&url).after(stretch) <= stretch / 10);
    }

    #[test]
    fn learning_never_panics_and_stays_bounded(
        habits in any_habits(), dates in prop::collection::vec(prop::option::of(-60_000_000_000_i64..200_000_000_000), 0..60),
    ) {
        let dates: Vec<_> = dates.into_iter().map(|date| date.map(at)).collect();
        let after = habits.after_document(Hints::default(), &dates, at(NOON));
        prop_assert!(after.appeared.len() <= 20 && after.appeared.is_sorted());
        prop_assert!(after.learned().is_none_or(|gap| (habits::SHORTEST..=habits::LONGEST).contains(&gap)));
    }
}

#[test]
fn a_set_of_all_days_is_skipped_by_nobody() {
    let hints = Hints { skip_days: (1..=7).collect(), ..Hints::default() };
    assert_eq!(put_off(&hints, at(NOON), ZERO), None);
}
