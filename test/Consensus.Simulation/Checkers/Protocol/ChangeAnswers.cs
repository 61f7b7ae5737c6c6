using Consensus.Node;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Membership;

namespace Consensus.Simulation.Checkers.Protocol;

/// <summary>
/// What a member answers about a membership change is so: one that was made is committed, to its end, before the answer; one that was not made never will be (raft-bugs 26).
/// </summary>
public sealed class ChangeAnswers
{
    public const string Name = "change answers";

    private readonly HashSet<RequestId> _begun = [];
    private readonly HashSet<RequestId> _made = [];
    private readonly HashSet<RequestId> _refused = [];

    /// <summary>A configuration that this request asked for is committed.</summary>
    public void Committed(RequestId request, Configuration configuration)
    {
        Violation.Unless(!_refused.Contains(request), Name, () => $"the change {request} was made after the answer that it was not");
        _begun.Add(request);
        if (!configuration.IsJoint)
        {
            _made.Add(request);
        }
    }

    public void Answered(RequestId request, in MembershipAnswer answer)
    {
        var (kind, verdict) = (answer.Kind, answer.Verdict);
        if (kind == AnswerKind.NotDone)
        {
            Violation.Unless(!_begun.Contains(request), Name, () => $"the change {request} was made, and answered as not done ({verdict})");
            _refused.Add(request);
        }
        else if (kind == AnswerKind.Done && verdict == ChangeVerdict.Appended)
        {
            Violation.Unless(_made.Contains(request), Name, () => $"the change {request} was answered as made, but is not committed");
        }
    }
}
