//! Combines writes: everything about one profile becomes one object, and a request has as many objects as
//! Braze accepts.

use std::collections::HashMap;
use std::ops::Range;

use braze::{BatchLimit, TrackWrite};
use domain::brand::Brand;
use domain::decide::ProfileWrite;
use domain::profile::ProfileRef;

use super::translate;
use crate::work_item::WorkItem;

/// A write that has failed this many times in a row is sent separately from the others and halved while it
/// fails, so that a bad write does not hold up the others.
const STUBBORN_AFTER: u32 = 3;

/// A work item with its write.
pub(super) type WriteJob = (WorkItem, ProfileWrite);

/// An object to write, and the participations that it is for.
pub(super) struct Joint {
    pub(super) write: ProfileWrite,
    pub(super) jobs: Vec<WriteJob>,
}

impl Joint {
    pub(super) fn of(job: WriteJob) -> Self {
        Self { write: job.1.clone(), jobs: vec![job] }
    }

    pub(super) fn is_stubborn(&self) -> bool {
        self.jobs.iter().any(|(item, _)| item.participation.failures() >= STUBBORN_AFTER)
    }

    pub(super) fn is_repeatable(&self) -> bool {
        self.jobs.iter().all(|(_, write)| write.is_repeatable())
    }
}

/// Combines writes to a profile into one object, if that has the same effect: Braze applies one update of a
/// profile at a time, and fewer objects need fewer requests.
fn joints(jobs: Vec<WriteJob>) -> Vec<Joint> {
    let mut joints: Vec<Joint> = Vec::with_capacity(jobs.len());
    let mut last_of: HashMap<ProfileRef, usize> = HashMap::new();
    for job in jobs {
        let last = last_of.get(&job.1.profile).and_then(|index| joints.get_mut(*index));
        let joined = last.and_then(|joint| Some((joint.write.joined(&job.1)?, joint)));
        match joined {
            Some((write, joint)) => {
                joint.write = write;
                joint.jobs.push(job);
            }
            None => {
                last_of.insert(job.1.profile.clone(), joints.len());
                joints.push(Joint::of(job));
            }
        }
    }
    joints
}

/// Groups that fit one request each, in order. Writes that have failed repeatedly are grouped separately.
pub(super) fn batches(brand: &Brand, jobs: Vec<WriteJob>) -> Vec<Vec<Joint>> {
    let (stubborn, others): (Vec<Joint>, Vec<Joint>) = joints(jobs).into_iter().partition(Joint::is_stubborn);
    let mut batches = packed(brand, others);
    batches.extend(packed(brand, stubborn));
    batches
}

fn packed(brand: &Brand, joints: Vec<Joint>) -> Vec<Vec<Joint>> {
    let limits = &brand.braze.limits;
    #[expect(clippy::expect_used, reason = "reading a brand file refuses every other number")]
    let limit = BatchLimit::new(limits.track_objects.get(), limits.track_per_array)
        .expect("a brand file has 1 to 75 objects");
    let groups: Vec<Range<usize>> = braze::pack(&writes(&joints), limit);
    let mut joints = joints.into_iter();
    groups.into_iter().map(|group| joints.by_ref().take(group.len()).collect()).collect()
}

pub(super) fn writes(joints: &[Joint]) -> Vec<TrackWrite> {
    joints.iter().map(|joint| translate::write(&joint.write)).collect()
}

#[cfg(test)]
mod tests {
    use domain::participation::Cause;

    use super::*;
    use crate::endpoints::samples::{brand, item, write};

    /// How many objects each request has, and for how many participations.
    fn sizes(jobs: Vec<WriteJob>) -> Vec<(usize, usize)> {
        let participations = |batch: &Vec<Joint>| batch.iter().map(|joint| joint.jobs.len()).sum();
        batches(&brand(), jobs).iter().map(|batch| (batch.len(), participations(batch))).collect()
    }

    #[test]
    fn a_request_has_as_many_objects_as_braze_takes() {
        let jobs = (0..160).map(|number| (item(number), write(&format!("u-{number}"), "gold")));
        assert_eq!(sizes(jobs.collect()), [(75, 75), (75, 75), (10, 10)]);
    }

    #[test]
    fn writes_to_one_profile_are_one_object() {
        let jobs = (0..3).map(|number| (item(number), write("u-1", ["gold", "early", "spring"][number])));
        assert_eq!(sizes(jobs.collect()), [(1, 3)]);
    }

    #[test]
    fn writes_that_keep_failing_are_sent_separately() {
        let job = |number: usize| {
            let mut item = item(number);
            let failures = if number < 2 { STUBBORN_AFTER } else { STUBBORN_AFTER - 1 };
            (0..failures)
                .for_each(|_| item.participation.failed(Cause::Throttled, item.participation.accepted_at()));
            (item, write(&format!("u-{number}"), "gold"))
        };
        assert_eq!(sizes((0..5).map(job).collect()), [(3, 3), (2, 2)]);
    }
}
