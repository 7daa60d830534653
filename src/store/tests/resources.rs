//! What is kept of what was fetched for an entry, and how a delivery goes on without it.

use super::*;
use crate::resource::Resource;

#[tokio::test]
async fn what_was_fetched_is_kept_as_long_as_the_entrys_content() {
    let world = World::new();
    let feed = world.feed("news").await;
    world.record(feed, None, &["a", "b"]).await;
    let run = world.store.start_run(at(0)).await.unwrap();
    let claimed = world.claim(run, 0, false).await;
    let image = Resource::Kept { media_type: "image/png".into(), bytes: [1, 2, 3].as_slice().into() };
    let page = Resource::text("text/html", &"<p>long</p>".repeat(1_000));
    let gone = Resource::Failed("the server answered 404".into());
    let answers = [("image:1", image), ("page:1", page), ("file:1", gone)].map(|(key, answer)| (key.to_owned(), answer));
    world.store.keep_resources(claimed[0].of, answers.to_vec(), at(1)).await.unwrap();
    let kept = world.store.resources(claimed[0].of).await.unwrap();
    assert!(answers.iter().all(|(key, answer)| kept.get(key) == Some(answer)) && kept.get("image:2").is_none());
    assert_eq!(world.store.resources(claimed[1].of).await.unwrap().get("image:1"), None);

    world.finish(run, claimed[0].id, Settled::Delivered { receipt: "ok".into() }).await;
    world.store.end_run(run, RunTotals::default(), at(2)).await.unwrap();
    assert_eq!(world.store.resources(claimed[0].of).await.unwrap(), kept, "it may be sent again");
    let later = 40 * 86_400;
    for _ in 0..2 {
        let run = world.store.start_run(at(later)).await.unwrap();
        world.store.end_run(run, RunTotals::default(), at(later)).await.unwrap();
    }
    assert_eq!(world.store.resources(claimed[0].of).await.unwrap(), crate::resource::Resources::default());
}

#[tokio::test]
async fn a_delivery_goes_once_more_without_its_files_and_what_a_program_drops_is_gone() {
    let world = World::new();
    let feed = world.feed("news").await;
    world.record(feed, None, &["a", "b"]).await;
    let run = world.store.start_run(at(0)).await.unwrap();
    let claimed = world.claim(run, 0, false).await;
    let message_id = claimed[0].message_id.light();
    world.finish(run, claimed[0].id, Settled::Lighter { message_id: message_id.clone(), error: "552".into() }).await;
    world.finish(run, claimed[1].id, Settled::Dropped { reason: "dropped by `x`".into() }).await;
    let again = world.claim(run, 1, false).await;
    assert_eq!((again.len(), again[0].light.as_deref(), &again[0].message_id), (1, Some("552"), &message_id));
    world.finish(run, again[0].id, Settled::Failed { error: "552".into() }).await;
    world.store.retry(None, at(2)).await.unwrap();
    let whole = world.claim(run, 3, false).await;
    assert_eq!((whole[0].light.as_deref(), &whole[0].message_id), (None, &claimed[0].message_id));
}
