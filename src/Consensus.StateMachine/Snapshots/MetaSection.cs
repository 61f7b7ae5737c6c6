using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Snapshots;

/// <summary>The first section of a snapshot: where in the log it stands, and how many of everything there are behind it.</summary>
internal sealed record MetaSection(
    LogIndex AppliedIndex,
    ClusterTime AppliedStamp,
    Revision Revision,
    StateHash Applied,
    StateHash Digest,
    ViewCounters Counters,
    Revision CompactRevision,
    StateCounts Counts)
{
    /// <summary>The message <c>Meta</c> of <c>snapshot.proto</c>.</summary>
    private static class Saved
    {
        public static readonly MessageShape Shape = new("a snapshot's meta section");
        public static readonly int AppliedIndex = Shape.Number(1);
        public static readonly int AppliedStamp = Shape.Number(2);
        public static readonly int Revision = Shape.Number(3);
        public static readonly int AppliedHash = Shape.Hash(4);
        public static readonly int NextWaiter = Shape.Number(5);
        public static readonly int NextFact = Shape.Number(6);
        public static readonly int NextKept = Shape.Number(7);
        public static readonly int Keys = Shape.Number(8);
        public static readonly int Leases = Shape.Number(9);
        public static readonly int HoldsInUse = Shape.Number(10);
        public static readonly int Waiters = Shape.Number(11);
        public static readonly int IdempotencyKeys = Shape.Number(12);
        public static readonly int CompactRevision = Shape.Number(13);
        public static readonly int Changes = Shape.Number(14);
        public static readonly int Fences = Shape.Number(15);
        public static readonly int ForgottenKeys = Shape.Number(16);
        public static readonly int BriefAnswers = Shape.Number(17);
        public static readonly int Digest = Shape.Hash(18);
        public static readonly int Sessions = Shape.Number(19);
        public static readonly int SessionAnswers = Shape.Number(20);
        public static readonly int SessionEnds = Shape.Number(21);
        public static readonly int PolicyRevision = Shape.Number(22);
        public static readonly int AuthEnabled = Shape.Number(23);
        public static readonly int Roles = Shape.Number(24);
        public static readonly int Principals = Shape.Number(25);
        public static readonly int Revocations = Shape.Number(26);
        public static readonly int Tokens = Shape.Number(27);
    }

    public static void Write(WireWriter writer, StateView view)
    {
        writer.Int64(Saved.AppliedIndex, view.AppliedIndex.Value);
        writer.Int64(Saved.AppliedStamp, view.AppliedStamp.Micros);
        writer.Int64(Saved.Revision, view.Revision.Value);
        writer.Fixed64(Saved.AppliedHash, view.Applied.Value);
        writer.Int64(Saved.NextWaiter, view.Counters.NextWaiter);
        writer.Int64(Saved.NextFact, view.Counters.NextFact);
        writer.Int64(Saved.NextKept, view.Counters.NextKept);
        writer.Int64(Saved.Keys, view.Counts.Keys);
        writer.Int64(Saved.Leases, view.Counts.Leases);
        writer.Int64(Saved.HoldsInUse, view.Counts.HoldsInUse);
        writer.Int64(Saved.Waiters, view.Counts.Waiters);
        writer.Int64(Saved.IdempotencyKeys, view.Counts.IdempotencyKeys);
        writer.Int64(Saved.CompactRevision, view.CompactRevision.Value);
        writer.Int64(Saved.Changes, view.Counts.Changes);
        writer.Int64(Saved.Fences, view.Counts.Fences);
        writer.Int64(Saved.ForgottenKeys, view.Counts.ForgottenKeys);
        writer.Int64(Saved.BriefAnswers, view.Counts.BriefAnswers);
        writer.Fixed64(Saved.Digest, view.Digest.Value);
        writer.Int64(Saved.Sessions, view.Counts.Sessions);
        writer.Int64(Saved.SessionAnswers, view.Counts.SessionAnswers);
        writer.Int64(Saved.SessionEnds, view.Counts.SessionEnds);
        writer.Int64(Saved.PolicyRevision, view.Counters.Policy.Revision);
        writer.Bool(Saved.AuthEnabled, view.Counters.Policy.IsEnabled);
        writer.Int64(Saved.Roles, view.Counts.Roles);
        writer.Int64(Saved.Principals, view.Counts.Principals);
        writer.Int64(Saved.Revocations, view.Counts.Revocations);
        writer.Int64(Saved.Tokens, view.Counts.Tokens);
    }

    /// <summary>Throws <see cref="WireFormatException"/> when it is another section, or not of this version.</summary>
    public static MetaSection Read(int kind, ReadOnlyMemory<byte> body)
    {
        if (kind != SectionKind.Meta)
        {
            throw new WireFormatException("a snapshot that does not begin with its meta section");
        }
        var fields = new Fields(body, Saved.Shape);
        return new MetaSection(
            new LogIndex(fields.Number(Saved.AppliedIndex)),
            fields.Time(Saved.AppliedStamp),
            new Revision(fields.Number(Saved.Revision)),
            new StateHash((ulong)fields.Number(Saved.AppliedHash)),
            new StateHash((ulong)fields.Number(Saved.Digest)),
            new ViewCounters(
                fields.Number(Saved.NextWaiter),
                fields.Number(Saved.NextFact),
                fields.Number(Saved.NextKept),
                [],
                new PolicyCounters(fields.Flag(Saved.AuthEnabled), fields.Number(Saved.PolicyRevision))),
            new Revision(fields.Number(Saved.CompactRevision)),
            new StateCounts(
                fields.Number(Saved.Keys),
                fields.Number(Saved.Leases),
                fields.Number(Saved.HoldsInUse),
                fields.Number(Saved.Waiters),
                fields.Number(Saved.IdempotencyKeys),
                StateBytes: 0)
            {
                Changes = fields.Number(Saved.Changes),
                Fences = fields.Number(Saved.Fences),
                Sessions = fields.Number(Saved.Sessions),
                SessionAnswers = fields.Number(Saved.SessionAnswers),
                SessionEnds = fields.Number(Saved.SessionEnds),
                ForgottenKeys = fields.Number(Saved.ForgottenKeys),
                BriefAnswers = fields.Number(Saved.BriefAnswers),
                Roles = fields.Number(Saved.Roles),
                Principals = fields.Number(Saved.Principals),
                Revocations = fields.Number(Saved.Revocations),
                Tokens = fields.Number(Saved.Tokens),
            });
    }
}
