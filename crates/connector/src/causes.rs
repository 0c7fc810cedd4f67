//! Why a request to Braze failed, as participations remember it.

use domain::participation::Cause;

/// The cause of an error.
pub(crate) fn cause(error: &braze::Error) -> Cause {
    match error {
        braze::Error::NotSent(_) => Cause::Unreachable,
        braze::Error::Lost(_) | braze::Error::Unreadable | braze::Error::Unconfirmed { .. } => {
            Cause::AnswerLost
        }
        braze::Error::Throttled { .. } => Cause::Throttled,
        braze::Error::NoCapacity { .. } | braze::Error::Failed { .. } => Cause::BrazeFailed,
        braze::Error::NotTaken { .. } | braze::Error::TooLarge { .. } | braze::Error::Refused { .. } => {
            Cause::NotTaken
        }
        braze::Error::KeyRefused { .. } => Cause::KeyRefused,
        braze::Error::Unsendable(_) => Cause::NoKey,
        braze::Error::UnknownGroup => Cause::UnknownGroup,
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn what_a_participation_remembers_of_an_error_says_who_has_to_act() {
        let refused = braze::Error::KeyRefused { status: StatusCode::UNAUTHORIZED, message: "no".to_owned() };
        let busy = braze::Error::NoCapacity { after: None };
        assert_eq!(cause(&refused), Cause::KeyRefused);
        assert_eq!(cause(&busy), Cause::BrazeFailed);
        assert_eq!(cause(&braze::Error::Throttled { after: None }), Cause::Throttled);
        assert_eq!(cause(&braze::Error::NotSent("refused".to_owned())), Cause::Unreachable);
        assert_eq!(cause(&braze::Error::Lost("closed".to_owned())), Cause::AnswerLost);
        assert_eq!(cause(&braze::Error::UnknownGroup), Cause::UnknownGroup);
        assert_eq!(cause(&braze::Error::Unsendable("no key")), Cause::NoKey);
    }
}
