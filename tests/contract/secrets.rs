//! Secrets in the Parameter Store.

use std::sync::Arc;
use std::time::Duration;

use aws::ssm::Parameters;
use domain::brand::SecretRef;
use memory::TestClock;
use ports::Secrets;
use secrecy::ExposeSecret;
use testkit::emulator::{config, endpoint, prefix};
use testkit::fault_proxy::FaultProxy;
use testkit::start;

#[tokio::test]
async fn a_secret_is_read_once_in_five_minutes() {
    let config = config().await;
    let clock = Arc::new(TestClock::at(start()));
    let parameters = Parameters::new(&config, clock.clone());
    let (name, read) = (format!("/{}/key", prefix()), async |name: &str| {
        let secret = parameters.get(&SecretRef::Ssm(name.to_owned())).await;
        secret.map(|secret| secret.expose_secret().to_owned())
    });
    assert!(read(&name).await.is_err(), "it does not exist");
    parameters.put(&name, "old").await.unwrap();
    assert_eq!(read(&name).await.unwrap(), "old");
    parameters.put(&name, "new").await.unwrap();
    assert_eq!(read(&name).await.unwrap(), "old");
    clock.advance(Duration::from_secs(300));
    assert_eq!(read(&name).await.unwrap(), "new");
    parameters.put(&name, "rotated").await.unwrap();
    parameters.forget(&SecretRef::Ssm(name.clone()));
    assert_eq!(read(&name).await.unwrap(), "rotated", "after a refusal it is read again");
    let refused = parameters.get(&SecretRef::Env("KEY".to_owned())).await.unwrap_err();
    assert!(!ports::error::in_full(&refused).contains("new"), "an error never contains a secret");
}

/// Parameters behind a proxy, with the names of four that exist.
async fn four_secrets(clock: &Arc<TestClock>) -> (FaultProxy, Parameters, [SecretRef; 4]) {
    let proxy = FaultProxy::before(endpoint().await);
    let parameters = Parameters::new(&aws::emulator(proxy.url()).await, clock.clone());
    let environment = prefix();
    let names = ["id-key", "one", "two", "three"].map(|name| format!("/{environment}/{name}"));
    for name in &names {
        parameters.put(name, "secret").await.unwrap();
    }
    let _written = proxy.take();
    (proxy, parameters, names.map(SecretRef::Ssm))
}

#[tokio::test]
async fn the_call_for_one_secret_reads_the_others_that_are_expected() {
    let clock = Arc::new(TestClock::at(start()));
    let (proxy, parameters, [id_key, others @ ..]) = four_secrets(&clock).await;
    parameters.expect(&others);
    parameters.get(&id_key).await.unwrap();
    assert_eq!(proxy.take().len(), 1);
    for secret in &others {
        parameters.get(secret).await.unwrap();
    }
    assert!(proxy.take().is_empty(), "the first call has read them");
    clock.advance(Duration::from_secs(300));
    for secret in &others {
        parameters.get(secret).await.unwrap();
    }
    assert_eq!(proxy.take().len(), 1, "they are read again together");
}

#[tokio::test]
async fn a_secret_that_may_not_be_read_does_not_keep_the_others_from_being_read() {
    let clock = Arc::new(TestClock::at(start()));
    let (proxy, parameters, [id_key, one, two, three]) = four_secrets(&clock).await;
    proxy.deny(&two.to_string().replace("SSM parameter ", ""));
    parameters.expect([&one, &two, &three]);
    for secret in [&id_key, &one, &three] {
        parameters.get(secret).await.unwrap();
    }
    assert!(parameters.get(&two).await.is_err());
}

#[tokio::test]
async fn a_throttled_secret_is_asked_for_again() {
    let clock = Arc::new(TestClock::at(start()));
    let (proxy, parameters, [id_key, ..]) = four_secrets(&clock).await;
    proxy.throttle(4);
    parameters.get(&id_key).await.unwrap();
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_again_stays_in_use_for_an_hour() {
    let clock = Arc::new(TestClock::at(start()));
    let (proxy, parameters, [id_key, ..]) = four_secrets(&clock).await;
    parameters.get(&id_key).await.unwrap();
    proxy.deny(&id_key.to_string().replace("SSM parameter ", ""));
    clock.advance(Duration::from_secs(3_599));
    parameters.get(&id_key).await.unwrap();
    clock.advance(Duration::from_secs(31));
    assert!(parameters.get(&id_key).await.is_err());
}
