//! Documents that are made to cost much. None is timed: of what cost more than linear time, these would take minutes.

use super::*;

const HEAD: &str = "<rss version='2.0'><channel><title>t</title>";

fn size(document: &Document) -> usize {
    serde_json::to_vec(&document.entries).unwrap().len()
}

#[test]
fn what_is_never_closed_is_not_looked_for_again() {
    let numbered = |from: &str, to: &str| (0..8_000).map(|number| [from, &number.to_string(), to].concat()).collect::<String>();
    let distinct = numbered("<f", "><title>x</title>");
    for document in [
        "<!DOCTYPE [>".repeat(40_000) + HEAD + "<item><title>a</title></item>",
        format!("{}{HEAD}<item><title>a</title></item>", "<!DOCTYPE [>]".repeat(20_000) + "["),
        HEAD.to_owned() + &"<item><foo><!--x><title>a</title></item>".repeat(8_000),
        HEAD.to_owned() + &"<item><foo><?x><title>a</title></item>".repeat(8_000),
        HEAD.to_owned() + &numbered("<item><f", "><title>x</title></item>"),
        format!("{HEAD}<item>{distinct}</item></channel></rss>"),
        format!("{HEAD}{distinct}<item><title>x</title></item></channel></rss>"),
        format!("{{\"items\":[{{\"x\":{}}}{}", "[".repeat(100_000), " ".repeat(100_000)),
    ] {
        let _ = parse(document.as_bytes(), None, None);
    }
}

#[test]
fn a_long_base_is_not_written_before_each_address() {
    let long = format!("http://a.example/{}/", "x".repeat(100_000));
    let near_the_limit = format!("http://a.example/{}/", "x".repeat(2_000));
    for base in [long, near_the_limit] {
        let items = "<item><link>a</link></item>".repeat(4_000);
        let rss = format!("<rss version='2.0' xml:base='{base}'><channel><title>t</title>{items}</channel></rss>");
        assert!(size(&read(&rss)) < 16 * 1024 * 1024);
        let body = "<a href='a'/>".repeat(20_000);
        let atom = format!(
            "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='{base}'><entry><id>1</id><content type='xhtml'><div>{body}</div></content></entry></feed>"
        );
        assert!(size(&read(&atom)) < 8 * atom.len());
    }
}

#[test]
fn the_people_of_a_feed_do_not_make_each_entry_large() {
    let long = "n".repeat(100_000);
    let atom = format!(
        "<feed xmlns='http://www.w3.org/2005/Atom'><author><name>{long}</name><email>{long}</email><uri>http://a.example/{long}</uri></author>{}</feed>",
        "<entry><id>1</id></entry>".repeat(1_000)
    );
    let document = read(&atom);
    assert_eq!(document.entries[0].authors[0].name.as_ref().map(|name| name.chars().count()), Some(200));
    assert!(size(&document) < 1024 * 1024);
}

#[test]
fn entries_in_another_order_are_the_same_entries() {
    let item = |number: usize| {
        format!("<item><title>{number}</title><link>/{number}</link><description>text {number}</description></item>")
    };
    let feed =
        |order: &mut dyn Iterator<Item = usize>| read(&format!("{HEAD}{}</channel></rss>", order.map(item).collect::<String>()));
    let (forth, mut back) = (feed(&mut (0..100)).entries, feed(&mut (0..100).rev()).entries);
    back.reverse();
    assert_eq!(forth, back);
}
