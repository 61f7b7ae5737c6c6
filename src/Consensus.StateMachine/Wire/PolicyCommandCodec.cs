using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Wire;

/// <summary>Commands about who may do what, as <c>commands.proto</c> has them.</summary>
internal static class PolicyCommandCodec
{
    /// <summary>The message <c>PutRole</c>.</summary>
    public static class PutRole
    {
        private static readonly MessageShape Shape = new("a role to be made");
        private static readonly int Name = Shape.Text(1);
        private static readonly int Rules = Shape.Messages(2);
        private static readonly int ExpectedRevision = Shape.Number(3);

        public static void Write(WireWriter writer, PutRoleCommand put)
        {
            writer.String(Name, put.Name);
            foreach (var rule in put.Rules)
            {
                AccessRuleCodec.Write(writer, Rules, rule);
            }
            writer.Int64(ExpectedRevision, put.ExpectedRevision);
        }

        public static PutRoleCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return new PutRoleCommand(fields.Text(Name), [.. fields.Messages().Select(AccessRuleCodec.Read)])
            {
                ExpectedRevision = fields.Number(ExpectedRevision),
            };
        }
    }

    /// <summary>The messages <c>DeleteRole</c>, <c>DeletePrincipal</c> and <c>EnableAuth</c>: a name, and the expected revision.</summary>
    public static class OfName
    {
        private static readonly MessageShape Shape = new("a change of the policy");
        private static readonly int Name = Shape.Text(1);
        private static readonly int ExpectedRevision = Shape.Number(2);

        public static void Write(WireWriter writer, string name, PolicyCommand command)
        {
            writer.String(Name, name);
            writer.Int64(ExpectedRevision, command.ExpectedRevision);
        }

        public static PolicyCommand Read(ReadOnlyMemory<byte> body, Func<string, PolicyCommand> command)
        {
            var fields = new Fields(body, Shape);
            return command(fields.Text(Name)) with { ExpectedRevision = fields.Number(ExpectedRevision) };
        }
    }

    /// <summary>The message <c>PutPrincipal</c>.</summary>
    public static class PutPrincipal
    {
        private static readonly MessageShape Shape = new("a principal to be made");
        private static readonly int Name = Shape.Text(1);
        private static readonly int Roles = Shape.Messages(2);
        private static readonly int IsDisabled = Shape.Number(3);
        private static readonly int ExpectedRevision = Shape.Number(4);
        private static readonly int Limits = Shape.Message(5);

        public static void Write(WireWriter writer, PutPrincipalCommand put)
        {
            writer.String(Name, put.Name);
            PolicyTable.WriteTexts(writer, Roles, put.Roles);
            writer.Bool(IsDisabled, put.IsDisabled);
            writer.Int64(ExpectedRevision, put.ExpectedRevision);
            PrincipalLimitsCodec.Write(writer, Limits, put.Limits);
        }

        public static PutPrincipalCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return new PutPrincipalCommand(fields.Text(Name), fields.Texts(), fields.Flag(IsDisabled))
            {
                ExpectedRevision = fields.Number(ExpectedRevision),
                Limits = PrincipalLimitsCodec.Read(fields.Bytes(Limits)),
            };
        }
    }

    /// <summary>The message <c>PutRevocation</c>.</summary>
    public static class PutRevocation
    {
        private static readonly MessageShape Shape = new("a revocation of a certificate");
        private static readonly int Fingerprint = Shape.Bytes(1);
        private static readonly int Note = Shape.Text(2);
        private static readonly int ExpectedRevision = Shape.Number(3);

        public static void Write(WireWriter writer, PutRevocationCommand put)
        {
            writer.Bytes(Fingerprint, put.Fingerprint.Bytes);
            writer.String(Note, put.Note);
            writer.Int64(ExpectedRevision, put.ExpectedRevision);
        }

        public static PutRevocationCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return new PutRevocationCommand(fields.Key(Fingerprint), fields.Text(Note))
            {
                ExpectedRevision = fields.Number(ExpectedRevision),
            };
        }
    }

    /// <summary>The message <c>DeleteRevocation</c>.</summary>
    public static class DeleteRevocation
    {
        private static readonly MessageShape Shape = new("an end of a revocation");
        private static readonly int Fingerprint = Shape.Bytes(1);
        private static readonly int ExpectedRevision = Shape.Number(2);

        public static void Write(WireWriter writer, DeleteRevocationCommand delete)
        {
            writer.Bytes(Fingerprint, delete.Fingerprint.Bytes);
            writer.Int64(ExpectedRevision, delete.ExpectedRevision);
        }

        public static DeleteRevocationCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return new DeleteRevocationCommand(fields.Key(Fingerprint)) { ExpectedRevision = fields.Number(ExpectedRevision) };
        }
    }
}
