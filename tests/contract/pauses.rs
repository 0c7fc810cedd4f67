//! Paused activations.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::ids::Scope;
use testkit::start;

use crate::Ports;

fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

pub(crate) async fn a_paused_activation_stays_so_until_it_is_resumed(ports: Ports) {
    let (spring, summer, pauses) = (scope("spring"), scope("summer"), &ports.pauses);
    assert_eq!(pauses.paused_since(&spring).await.unwrap(), None);
    assert_eq!(pauses.resume(&spring).await.unwrap(), None, "it was not paused");
    assert_eq!(pauses.pause(&spring, start()).await.unwrap(), start());
    assert_eq!(pauses.paused_since(&spring).await.unwrap(), Some(start()));
    assert_eq!(pauses.paused_since(&summer).await.unwrap(), None);
    assert_eq!(pauses.paused().await.unwrap(), BTreeMap::from([(spring.clone(), start())]));
    assert_eq!(pauses.resume(&spring).await.unwrap(), Some(start()));
    assert_eq!(pauses.paused().await.unwrap(), BTreeMap::new());
}

pub(crate) async fn a_second_pause_keeps_the_beginning_of_the_first(ports: Ports) {
    let spring = scope("spring");
    ports.pauses.pause(&spring, start()).await.unwrap();
    let later = start() + Duration::from_secs(60);
    assert_eq!(ports.pauses.pause(&spring, later).await.unwrap(), start());
    assert_eq!(ports.pauses.paused_since(&spring).await.unwrap(), Some(start()));
}
