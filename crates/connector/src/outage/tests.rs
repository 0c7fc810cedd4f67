use futures::FutureExt;
use memory::TestClock;

use super::*;

/// How the transport treats a request.
#[derive(Clone, Copy)]
enum Meets {
    Status(u16, &'static str),
    NoAnswer,
    /// The request stays open.
    Nothing,
}

struct MeetingTransport(Mutex<Meets>);

#[async_trait]
impl Transport for MeetingTransport {
    async fn send(&self, _request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let meets = *self.0.lock();
        match meets {
            Meets::Status(status, body) => {
                Ok(Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap())
            }
            Meets::NoAnswer => Err(TransportError::NotSent("connection refused".to_owned())),
            Meets::Nothing => std::future::pending().await,
        }
    }
}

struct WatchedWorkspace {
    seen: Arc<WorkspaceWatch>,
    way: Arc<MeetingTransport>,
    watched: Arc<dyn Transport>,
    clock: Arc<TestClock>,
}

impl WatchedWorkspace {
    fn meeting(meets: Meets) -> Self {
        let clock = Arc::new(TestClock::at(Timestamp::from_second(1_800_000_000).unwrap()));
        let (seen, way) =
            (Arc::new(WorkspaceWatch::default()), Arc::new(MeetingTransport(Mutex::new(meets))));
        let watched = seen.watching(&BrandId::parse("acme").unwrap(), way.clone(), clock.clone());
        Self { seen, way, watched, clock }
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    fn request(&self, path: &str) -> impl Future<Output = Result<Response<Bytes>, TransportError>> {
        let (watched, request) = (self.watched.clone(), Request::get(path).body(Bytes::new()).unwrap());
        async move { watched.send(request).await }
    }

    fn ask(&self, path: &str) {
        let _answered = self.request(path).now_or_never().expect("it is answered at once");
    }

    fn outage(&self, shared: bool) -> Option<Outage> {
        self.seen.all(self.clock.now(), shared).pop().and_then(|view| view.outage)
    }
}

#[test]
fn requests_without_an_answer_from_braze_become_an_outage_after_seconds() {
    let none = [
        Meets::NoAnswer,
        Meets::Status(500, "{}"),
        Meets::Status(503, ""),
        Meets::Status(302, ""),
        Meets::Status(200, "<html>log in</html>"),
        Meets::Status(201, ""),
    ];
    for meets in none {
        let workspace = WatchedWorkspace::meeting(meets);
        let began = workspace.clock.now();
        workspace.ask("/users/track");
        workspace.pass(4);
        assert_eq!(workspace.outage(false), None, "it may be a hiccup");
        workspace.ask("/users/track");
        workspace.pass(1);
        let outage = workspace.outage(false).expect("an outage");
        assert_eq!((outage.since, outage.tries), (began, 2));
    }
}

#[test]
fn a_429_a_refused_key_and_a_refused_request_are_answers() {
    for (status, body) in [(429, ""), (401, "{}"), (403, ""), (400, "{}"), (201, "{\"message\":\"success\"}")]
    {
        let workspace = WatchedWorkspace::meeting(Meets::Status(status, body));
        workspace.ask("/users/track");
        workspace.pass(60);
        assert_eq!(workspace.outage(false), None, "{status}");
    }
}

#[test]
fn a_request_that_has_been_open_for_eight_seconds_has_no_answer_until_it_ends() {
    let workspace = WatchedWorkspace::meeting(Meets::Nothing);
    let began = workspace.clock.now();
    let mut open = Box::pin(workspace.request("/users/export/ids"));
    assert!(open.as_mut().now_or_never().is_none());
    workspace.pass(7);
    assert_eq!(workspace.outage(true), None);
    workspace.pass(1);
    let outage = workspace.outage(true).expect("an outage");
    assert_eq!((outage.since, outage.tries), (began, 1));
    drop(open);
    assert_eq!(workspace.outage(true), None, "a request that was given up is not open any more");
}

#[test]
fn an_endpoint_that_answers_does_not_hide_another_and_an_answer_ends_the_outage() {
    let workspace = WatchedWorkspace::meeting(Meets::NoAnswer);
    workspace.ask("/users/track");
    workspace.pass(5);
    let meets = |meets| *workspace.way.0.lock() = meets;
    meets(Meets::Status(200, "{}"));
    workspace.ask("/users/export/ids");
    assert!(workspace.outage(false).is_some());
    workspace.ask("/users/track");
    assert_eq!(workspace.outage(false), None);
}

/// A function sees only its own requests.
#[test]
fn if_others_send_too_one_failure_long_ago_proves_nothing() {
    let workspace = WatchedWorkspace::meeting(Meets::NoAnswer);
    workspace.ask("/users/track");
    workspace.pass(6);
    assert_eq!(workspace.outage(true), None);
    workspace.ask("/users/track");
    assert!(workspace.outage(true).is_some());
}

#[test]
fn a_failure_that_is_not_tried_again_stops_being_an_outage() {
    let workspace = WatchedWorkspace::meeting(Meets::NoAnswer);
    workspace.ask("/users/track");
    workspace.pass(7);
    assert!(workspace.outage(false).is_some());
    workspace.pass(10);
    assert_eq!(workspace.outage(false), None);
}
