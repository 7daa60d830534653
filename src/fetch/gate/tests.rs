//! Turns at gates, on a clock that stands still unless somebody waits.

use std::collections::BTreeMap;

use super::*;
use crate::fetch::Settings;

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn settings(hosts: &[(&str, u64)]) -> Settings {
    Settings {
        access: crate::fetch::Access::plain("feeds/test", Duration::from_secs(30), Duration::from_secs(10), 1 << 20),
        concurrency: 4,
        per_host: 1,
        host_delay: SECOND,
        hosts: hosts.iter().map(|(host, delay)| ((*host).to_owned(), Duration::from_secs(*delay))).collect::<BTreeMap<_, _>>(),
        memory: 1 << 20,
        allow_addresses: Vec::new(),
    }
}

/// Gates whose clock goes with the runtime's.
fn fresh(hosts: &[(&str, u64)]) -> Arc<Gates> {
    let start = Instant::now();
    let clock = Clock::from_fn(move || at(1_000) + start.elapsed());
    Arc::new(Gates::new(&settings(hosts), clock))
}

/// After how many seconds each of these has its turn, one after the other.
async fn turns(gates: &Arc<Gates>, hosts: &[&str]) -> Vec<u64> {
    let start = Instant::now();
    let mut seconds = Vec::new();
    for host in hosts {
        gates.turn(host).await.unwrap();
        seconds.push(start.elapsed().as_secs());
    }
    seconds
}

#[tokio::test(start_paused = true)]
async fn p27_requests_to_a_host_begin_a_pause_apart_and_one_at_a_time() {
    let gates = fresh(&[]);
    assert_eq!(turns(&gates, &["a.example", "a.example", "b.example", "www.a.example"]).await, [0, 1, 1, 2]);
    let held = gates.turn("a.example").await.unwrap();
    let second = tokio::time::timeout(60 * SECOND, gates.turn("a.example")).await;
    assert!(second.is_err(), "the first one is still under way");
    drop(held);
    assert!(gates.turn("a.example").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_pace_that_is_set_holds_for_the_host_and_all_below_it_together() {
    let gates = fresh(&[("reddit.com", 61)]);
    let hosts = ["www.reddit.com", "old.reddit.com", "other.example", "reddit.com"];
    assert_eq!(turns(&gates, &hosts).await, [0, 61, 61, 122]);
}

#[tokio::test(start_paused = true)]
async fn each_hop_waits_at_the_gate_of_its_own_host_and_holds_no_other() {
    let gates = fresh(&[]);
    let start = Instant::now();
    let mut turn = gates.turn("a.example").await.unwrap();
    turn.take("a.example").await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 0, "the first request is the turn's own");
    gates.turn("b.example").await.unwrap();
    turn.take("b.example").await.unwrap();
    assert_eq!((start.elapsed().as_secs(), turn.host()), (1, Some("b.example")));
    assert!(gates.turn("a.example").await.is_ok(), "its place there was given back");
    turn.take("b.example").await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 2, "a second hop on one host waits too");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_into_the_patience_has_no_turn() {
    let gates = fresh(&[("slow.example", 61)]);
    gates.begin(150 * SECOND);
    assert_eq!(turns(&gates, &["slow.example"; 3]).await, [0, 61, 122]);
    let refused = gates.turn("sub.slow.example").await.unwrap_err();
    assert_eq!(refused, NotNow::Turn { host: "slow.example".to_owned() });
    assert!(gates.turn("quick.example").await.is_ok());
    let known = gates.changed();
    let slow = known.iter().find(|known| known.host == "slow.example").unwrap();
    assert_eq!((slow.last_asked, slow.next_turn), (Some(at(1_122)), Some(at(1_184))));
    assert!(gates.changed().is_empty(), "it is told once");
    gates.begin(150 * SECOND);
    assert!(gates.turn("reddit.com").await.is_ok(), "the next pass waits anew");
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_slow_a_host_and_all_below_it_and_the_next_run_knows() {
    let gates = fresh(&[]);
    turns(&gates, &["www.a.example"]).await;
    gates.too_many("www.a.example", at(1_000));
    gates.too_many("www.a.example", at(999));
    assert_eq!(turns(&gates, &["feeds.a.example", "a.example"]).await, [10, 20]);
    let known: Vec<Known> = gates.changed().into_iter().filter(|known| known.learned.is_some()).collect();
    assert_eq!(known.len(), 1);
    assert_eq!((known[0].host.as_str(), known[0].learned.unwrap().slowest), ("a.example", 10 * SECOND));

    let next = fresh(&[]);
    let lately = Known { last_asked: Some(at(996)), ..known[0].clone() };
    next.remember(vec![lately]);
    assert_eq!(
        turns(&next, &["old.a.example", "b.example"]).await,
        [7, 7],
        "10 s after it was asked, and one for what is not known"
    );
}

#[tokio::test(start_paused = true)]
async fn a_host_that_wants_to_be_left_alone_is_by_redirects_too() {
    let gates = fresh(&[]);
    gates.remember(vec![Known { host: "a.example".into(), rests_until: Some(at(1_500)), ..Known::default() }]);
    let rests = NotNow::Rests { host: "a.example".into(), until: at(1_500) };
    assert_eq!(gates.turn("www.a.example").await.unwrap_err(), rests);
    let mut turn = gates.turn("b.example").await.unwrap();
    assert_eq!(turn.take("sub.a.example").await.unwrap_err(), rests);
    tokio::time::sleep(500 * SECOND).await;
    assert!(turn.take("sub.a.example").await.is_ok());
}
