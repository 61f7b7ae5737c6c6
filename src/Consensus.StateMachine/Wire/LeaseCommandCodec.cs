using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;

namespace Consensus.StateMachine.Wire;

/// <summary>Commands about leases, sessions and what their clients asked, as <c>commands.proto</c> has them.</summary>
internal static class LeaseCommandCodec
{
    /// <summary>The message <c>GrantLease</c>.</summary>
    public static class GrantLease
    {
        private static readonly MessageShape Shape = new("a grant of a lease");
        private static readonly int Id = Shape.Id(1);
        private static readonly int TtlMicros = Shape.Number(2);
        private static readonly int IsSession = Shape.Number(3);

        public static void Write(WireWriter writer, GrantLeaseCommand grant)
        {
            writer.Fixed64(Id, (ulong)grant.Id.Value);
            writer.Int64(TtlMicros, grant.TtlMicros);
            writer.Bool(IsSession, grant.IsSession);
        }

        public static GrantLeaseCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return new GrantLeaseCommand(fields.Lease(Id), fields.Number(TtlMicros)) { IsSession = fields.Flag(IsSession) };
        }
    }

    /// <summary>The message <c>RenewLeases</c>.</summary>
    public static class RenewLeases
    {
        private static readonly MessageShape Shape = new("a renewal of leases");
        private static readonly int Ids = Shape.Ids(1);

        public static void Write(WireWriter writer, RenewLeasesCommand renew)
        {
            foreach (var id in renew.Ids)
            {
                writer.Fixed64(Ids, (ulong)id.Value);
            }
        }

        public static RenewLeasesCommand Read(ReadOnlyMemory<byte> body) => new(new Fields(body, Shape).Leases());
    }

    /// <summary>The message <c>RevokeLease</c>.</summary>
    public static class RevokeLease
    {
        private static readonly MessageShape Shape = new("a revocation");
        private static readonly int Id = Shape.Id(1);
        private static readonly int By = Shape.Text(2);

        public static void Write(WireWriter writer, RevokeLeaseCommand revoke)
        {
            writer.Fixed64(Id, (ulong)revoke.Id.Value);
            writer.String(By, revoke.By);
        }

        public static RevokeLeaseCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return new RevokeLeaseCommand(fields.Lease(Id)) { By = fields.Text(By) };
        }
    }

    /// <summary>The message <c>Withdraw</c>.</summary>
    public static class Withdraw
    {
        private static readonly MessageShape Shape = new("a withdrawal");
        private static readonly int IdempotencyKey = Shape.Bytes(1);

        public static void Write(WireWriter writer, WithdrawCommand withdraw) =>
            writer.Bytes(IdempotencyKey, withdraw.IdempotencyKey.Bytes);

        public static WithdrawCommand Read(ReadOnlyMemory<byte> body) =>
            new Fields(body, Shape).Key(IdempotencyKey) is { IsEmpty: false } key
                ? new WithdrawCommand(key)
                : throw new WireFormatException("a withdrawal of no Idempotency-Key");
    }

    /// <summary>The message <c>Settle</c>.</summary>
    public static class Settle
    {
        private static readonly MessageShape Shape = new("a settlement");
        private static readonly int Session = Shape.Id(1);
        private static readonly int Number = Shape.Number(2);

        public static void Write(WireWriter writer, SettleCommand settle)
        {
            writer.Fixed64(Session, (ulong)settle.Session.Value);
            writer.Int64(Number, settle.Number);
        }

        public static SettleCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return fields.Number(Number) is > 0 and var number
                ? new SettleCommand(fields.Lease(Session), number)
                : throw new WireFormatException("a settlement of no number");
        }
    }
}
