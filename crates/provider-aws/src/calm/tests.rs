//! What processes tell each other of calls that AWS did not take.

use ohfp_broker::contract::MemoryStore;

use super::*;
use crate::failure::Answered;

const EC2: &str = "ec2 us-east-1";

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000_000_000 + millis)
}

/// Two processes of a site.
fn site() -> (Arc<MemoryStore>, Calm, Calm) {
    let store = Arc::new(MemoryStore::default());
    let process = || Calm::shared("aws", Arc::<MemoryStore>::clone(&store));
    (Arc::clone(&store), process(), process())
}

fn refused() -> Failure {
    NotSent::Connect { endpoint: "https://ec2".to_owned(), why: "connection refused".to_owned() }.into()
}

fn answered(code: &str) -> Failure {
    Answered::new("RunInstances", 503, code, "").into()
}

fn lost() -> Failure {
    Failure::Lost { action: "RunInstances", why: "closed".to_owned() }
}

fn millis(pace: Pace) -> (u128, u32) {
    (pace.wait.as_millis(), pace.strikes)
}

#[test]
fn a_throttled_action_waits_in_all_processes_and_others_do_not() {
    let (_, one, other) = site();
    let throttled = answered("RequestLimitExceeded");
    let strike = |wait: u64, now: i64| {
        one.failed("RunInstances", EC2, &throttled, Duration::from_millis(wait), at(now));
    };
    let pace = |calm: &Calm, action: &str, now: i64| millis(calm.before(action, EC2, at(now)).unwrap());
    assert_eq!(pace(&other, "RunInstances", 0), (0, 0));
    strike(500, 0);
    strike(400, 10);
    assert_eq!(pace(&one, "RunInstances", 100), (400, 1), "two at a time count once");
    assert_eq!(pace(&other, "RunInstances", 1_000), (0, 1), "it has waited, and starts slower");
    strike(2_000, 1_000);
    assert_eq!(pace(&other, "RunInstances", 2_000), (1_000, 2));
    assert_eq!(pace(&other, "DescribeInstances", 2_000), (0, 0));
    assert_eq!(pace(&other, "RunInstances", 3_000 + 59_999), (0, 2));
    assert_eq!(pace(&other, "RunInstances", 3_000 + 60_000), (0, 0), "it is forgotten");
    // A stated time that is far away, as after a step of the clock, keeps no call for long.
    strike(3_600_000, 100_000);
    assert_eq!(pace(&other, "RunInstances", 100_001).0, 30_000);
}

#[test]
fn calls_that_are_taken_take_strikes_back_one_by_one() {
    let (_, one, other) = site();
    for now in [0, 1_000, 2_000] {
        one.failed("RunInstances", EC2, &answered("Throttling"), Duration::from_millis(10), at(now));
    }
    let strikes = |calm: &Calm, now: i64| calm.before("RunInstances", EC2, at(now)).unwrap().strikes;
    for (now, left) in [(3_000, 3), (4_500, 2), (6_000, 1), (7_500, 0), (9_000, 0)] {
        assert_eq!((strikes(&one, now), strikes(&other, now)), (left, left), "{now}");
        other.answered("DescribeInstances", EC2, at(now));
        other.answered("RunInstances", EC2, at(now));
    }
    one.failed("RunInstances", EC2, &answered("Throttling"), Duration::from_millis(10), at(10_000));
    assert_eq!(strikes(&other, 11_000), 1);
}

#[test]
fn a_site_says_after_how_many_failures_and_for_how_long() {
    let store = Arc::new(MemoryStore::default());
    let process =
        |failures, seconds| Calm::shared("aws", Arc::<MemoryStore>::clone(&store)).pausing(failures, seconds);
    let (one, other) = (process(2, 600), process(2, 600));
    let fail = |calm: &Calm, now: i64| calm.failed("RunInstances", EC2, &refused(), Duration::ZERO, at(now));
    let left = |calm: &Calm, now: i64| match calm.before("RunInstances", EC2, at(now)) {
        Err(NotSent::Paused { seconds, .. }) => Some(seconds),
        _ => None,
    };
    fail(&one, 0);
    assert_eq!(left(&other, 1), None);
    fail(&other, 2);
    assert_eq!((left(&one, 1_002), left(&one, 400_002), left(&one, 600_002)), (Some(599), Some(200), None));
    // None is left alone by a site that says so.
    let never = process(0, 600);
    (0..20).for_each(|now| fail(&never, 700_000 + now));
    assert_eq!(left(&never, 702_000), None);
}

#[test]
fn five_failures_in_a_row_leave_an_endpoint_alone_for_half_a_minute() {
    let (_, one, other) = site();
    let fail = |calm: &Calm, failure: &Failure, now: i64| {
        calm.failed("RunInstances", EC2, failure, Duration::ZERO, at(now));
    };
    let is_open = |calm: &Calm, now: i64| calm.before("RunInstances", EC2, at(now)).is_err();
    for now in 0..3 {
        fail(&one, &refused(), now);
    }
    fail(&other, &refused(), 3);
    assert!(!is_open(&one, 2_000) && !is_open(&other, 2_000));
    fail(&other, &refused(), 2_000);
    for calm in [&one, &other] {
        let paused = calm.before("DescribeInstances", EC2, at(4_500)).unwrap_err();
        assert_eq!(
            paused.to_string(),
            "ec2 us-east-1 could not be reached 5 times, and is not called for another 28 s: cannot connect to \
             https://ec2: connection refused"
        );
        assert_eq!(calm.before("GetCallerIdentity", "sts us-east-1", at(4_500)), Ok(Pace::default()));
        assert!(is_open(calm, 31_999) && !is_open(calm, 32_000));
    }
    // It is tried once, and left alone again.
    fail(&one, &refused(), 33_000);
    assert!(is_open(&one, 33_001) && is_open(&other, 34_001));
    // An answer ends it, whatever it says; so does one that was lost, as there was a connection.
    for answer in [answered("InternalError"), answered("RequestLimitExceeded"), lost()] {
        let (_, one, other) = site();
        (0..5).for_each(|now| fail(&one, &refused(), now));
        assert!(is_open(&other, 10));
        fail(&other, &answer, 40_000);
        fail(&one, &refused(), 40_001);
        assert!(!is_open(&one, 42_000), "{answer}");
    }
}

#[test]
fn failures_that_are_not_in_a_row_or_say_nothing_of_the_endpoint() {
    let (_, one, _) = site();
    let is_open = |now: i64| one.before("RunInstances", EC2, at(now)).is_err();
    for now in 0..5 {
        one.failed("RunInstances", EC2, &refused(), Duration::ZERO, at(now * 301_000));
    }
    assert!(!is_open(4 * 301_000 + 1));
    for why in [NotSent::NoRegion, NotSent::TooLate, NotSent::NoCredentials { why: String::new() }] {
        (0..9).for_each(|_| one.failed("RunInstances", EC2, &why.clone().into(), Duration::ZERO, at(0)));
    }
    assert!(!is_open(1));
}

#[test]
fn a_process_by_itself_and_one_whose_store_fails_go_on() {
    let alone = Calm::alone();
    let missing = Calm::shared("aws", Arc::new(Broken));
    for calm in [alone, missing] {
        (0..5).for_each(|now| calm.failed("X", EC2, &refused(), Duration::ZERO, at(now)));
        assert!(calm.before("X", EC2, at(5)).is_err());
        calm.answered("X", EC2, at(5));
        assert_eq!(calm.before("X", EC2, at(6)), Ok(Pace::default()));
        calm.failed("X", EC2, &answered("Throttling"), Duration::from_secs(1), at(10));
        assert_eq!(calm.before("X", EC2, at(10)).map(millis), Ok((1_000, 1)));
    }
}

#[test]
fn what_people_are_told() {
    let (store, one, _) = site();
    (0..5).for_each(|now| one.failed("X", EC2, &refused(), Duration::ZERO, at(now)));
    one.failed("Y", "sts us-east-1", &answered("Throttling"), Duration::from_millis(2_500), at(0));
    let told = |now: i64| {
        let mut found = (Vec::new(), Vec::new());
        store
            .read("aws", &mut |tx| {
                found = holds(tx, at(now))?;
                Ok(())
            })
            .unwrap();
        (found.0.len(), found.1)
    };
    assert_eq!(told(1_000), (1, vec!["Y for 1.5 s".to_owned()]));
    assert_eq!(told(31_000), (0, Vec::new()));
}

/// A store that cannot be used.
struct Broken;

fn broken<T>() -> Result<T> {
    Err(ohfp_broker::Error::new(ohfp_broker::ErrorKind::Damaged, "no store"))
}

impl DocumentStore for Broken {
    fn store_id(&self) -> Result<String> {
        broken()
    }

    fn write(&self, _: &str, _: &mut dyn FnMut(&mut dyn DocumentTx) -> Result<()>) -> Result<()> {
        broken()
    }

    fn write_through(&self, _: &str, _: &mut dyn FnMut(&mut dyn DocumentTx) -> Result<()>) -> Result<()> {
        broken()
    }

    fn read(&self, _: &str, _: &mut dyn FnMut(&mut dyn DocumentTx) -> Result<()>) -> Result<()> {
        broken()
    }
}
