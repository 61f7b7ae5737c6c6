using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;

namespace Consensus.StateMachine.Wire;

/// <summary>Commands about tokens, as <c>commands.proto</c> has them.</summary>
internal static class TokenCommandCodec
{
    /// <summary>The messages <c>PutToken</c> and <c>RotateToken</c>; the latter says no principal.</summary>
    public static class PutToken
    {
        private static readonly MessageShape Shape = new("a token to be made");
        private static readonly int Id = Shape.Text(1);
        private static readonly int Secret = Shape.Bytes(2);
        private static readonly int NotAfter = Shape.Number(3);
        private static readonly int TtlSeconds = Shape.Number(4);
        private static readonly int ExpectedRevision = Shape.Number(5);
        private static readonly int Principal = Shape.Text(6);

        public static void Write(WireWriter writer, PutTokenCommand put)
        {
            Write(writer, new RotateTokenCommand(put.Id, put.Secret, put.NotAfter, put.TtlSeconds)
            {
                ExpectedRevision = put.ExpectedRevision,
            });
            writer.String(Principal, put.Principal);
        }

        public static void Write(WireWriter writer, RotateTokenCommand rotate)
        {
            writer.String(Id, rotate.Id);
            writer.Bytes(Secret, rotate.Secret.Bytes);
            writer.Int64(NotAfter, rotate.NotAfter);
            writer.Int64(TtlSeconds, rotate.TtlSeconds);
            writer.Int64(ExpectedRevision, rotate.ExpectedRevision);
        }

        public static PutTokenCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return new PutTokenCommand(
                fields.Text(Id), fields.Key(Secret), fields.Text(Principal), fields.Number(NotAfter), fields.Number(TtlSeconds))
            {
                ExpectedRevision = fields.Number(ExpectedRevision),
            };
        }

        public static RotateTokenCommand ReadRotation(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return !fields.Has(Principal)
                ? new RotateTokenCommand(fields.Text(Id), fields.Key(Secret), fields.Number(NotAfter), fields.Number(TtlSeconds))
                {
                    ExpectedRevision = fields.Number(ExpectedRevision),
                }
                : throw new WireFormatException("a token in the place of another is of no other principal");
        }
    }

    /// <summary>The message <c>RevokeToken</c>.</summary>
    public static class RevokeToken
    {
        private static readonly MessageShape Shape = new("the end of a token");
        private static readonly int Id = Shape.Text(1);
        private static readonly int Only = Shape.Number(2);
        private static readonly int NotAfter = Shape.Number(3);
        private static readonly int ExpectedRevision = Shape.Number(4);

        public static void Write(WireWriter writer, RevokeTokenCommand revoke)
        {
            writer.String(Id, revoke.Id);
            writer.Bool(Only, revoke.Only);
            writer.Int64(NotAfter, revoke.NotAfter);
            writer.Int64(ExpectedRevision, revoke.ExpectedRevision);
        }

        public static RevokeTokenCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return new RevokeTokenCommand(fields.Text(Id), fields.Flag(Only), fields.Number(NotAfter))
            {
                ExpectedRevision = fields.Number(ExpectedRevision),
            };
        }
    }

    /// <summary>The message <c>EndOwnToken</c>.</summary>
    public static class EndOwnToken
    {
        private static readonly MessageShape Shape = new("the end of one's own token");
        private static readonly int NotAfter = Shape.Number(1);
        private static readonly int ExpectedRevision = Shape.Number(2);

        public static void Write(WireWriter writer, EndOwnTokenCommand end)
        {
            writer.Int64(NotAfter, end.NotAfter);
            writer.Int64(ExpectedRevision, end.ExpectedRevision);
        }

        public static EndOwnTokenCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return new EndOwnTokenCommand(fields.Number(NotAfter)) { ExpectedRevision = fields.Number(ExpectedRevision) };
        }
    }

    /// <summary>The message <c>ForgetTokens</c>.</summary>
    public static class ForgetTokens
    {
        private static readonly MessageShape Shape = new("that ended tokens are forgotten");
        private static readonly int Now = Shape.Number(1);

        public static void Write(WireWriter writer, ForgetTokensCommand forget) => writer.Int64(Now, forget.Now);

        public static ForgetTokensCommand Read(ReadOnlyMemory<byte> body) => new(new Fields(body, Shape).Number(Now));
    }
}
