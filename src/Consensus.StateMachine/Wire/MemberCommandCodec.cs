using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Wire;

/// <summary>Commands about members and settings, as <c>commands.proto</c> has them.</summary>
internal static class MemberCommandCodec
{
    /// <summary>The message <c>AnnounceMember</c>.</summary>
    public static class AnnounceMember
    {
        private static readonly MessageShape Shape = new("an announcement");
        private static readonly int Member = Shape.Id(1);
        private static readonly int Name = Shape.Text(2);
        private static readonly int Boot = Shape.Id(3);
        private static readonly int ClientUrl = Shape.Text(4);
        private static readonly int PeerAddress = Shape.Text(5);
        private static readonly int Version = Shape.Text(6);
        private static readonly int FeatureLevel = Shape.Number(7);
        private static readonly int Settings = Shape.Messages(8);
        private static readonly int FirstAdmin = Shape.Text(9);

        public static void Write(WireWriter writer, AnnounceMemberCommand announce)
        {
            writer.Fixed64(Member, (ulong)announce.Member.Value);
            writer.String(Name, announce.Name);
            writer.Fixed64(Boot, (ulong)announce.Boot);
            writer.String(ClientUrl, announce.ClientUrl);
            writer.String(PeerAddress, announce.PeerAddress);
            writer.String(Version, announce.Version);
            writer.Int64(FeatureLevel, announce.FeatureLevel);
            foreach (var (setting, value) in announce.Settings)
            {
                var start = writer.BeginMessage(Settings);
                SettingTable.Write(writer, (long)setting, value);
                writer.EndMessage(start);
            }
            writer.String(FirstAdmin, announce.FirstAdmin);
        }

        public static AnnounceMemberCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return new AnnounceMemberCommand(
                new MemberId(fields.Number(Member)),
                fields.Text(Name),
                fields.Number(Boot),
                fields.Text(ClientUrl),
                fields.Text(PeerAddress),
                fields.Text(Version),
                (int)fields.Number(FeatureLevel))
            {
                Settings = [.. fields.Messages().Select(SettingTable.Read)],
                FirstAdmin = fields.Text(FirstAdmin),
            };
        }
    }

    /// <summary>The message <c>ForgetMember</c>.</summary>
    public static class ForgetMember
    {
        private static readonly MessageShape Shape = new("a member to be forgotten");
        private static readonly int Member = Shape.Id(1);

        public static void Write(WireWriter writer, ForgetMemberCommand forget) => writer.Fixed64(Member, (ulong)forget.Member.Value);

        public static ForgetMemberCommand Read(ReadOnlyMemory<byte> body) => new(new MemberId(new Fields(body, Shape).Number(Member)));
    }

    /// <summary>The message <c>DetachWaiters</c>.</summary>
    public static class DetachWaiters
    {
        private static readonly MessageShape Shape = new("a detach of a member");
        private static readonly int Member = Shape.Id(1);
        private static readonly int Boot = Shape.Id(2);

        public static void Write(WireWriter writer, DetachWaitersCommand detach)
        {
            writer.Fixed64(Member, (ulong)detach.Member.Value);
            writer.Fixed64(Boot, (ulong)detach.Boot);
        }

        public static DetachWaitersCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return new DetachWaitersCommand(new MemberId(fields.Number(Member)), fields.Number(Boot));
        }
    }

    /// <summary>The message <c>NoteLeaderless</c>.</summary>
    public static class NoteLeaderless
    {
        private static readonly MessageShape Shape = new("a note of an outage");
        private static readonly int At = Shape.Number(1);
        private static readonly int Micros = Shape.Number(2);

        public static void Write(WireWriter writer, NoteLeaderlessCommand note)
        {
            writer.Int64(At, note.At.Micros);
            writer.Int64(Micros, note.Micros);
        }

        public static NoteLeaderlessCommand Read(ReadOnlyMemory<byte> body)
        {
            var fields = new Fields(body, Shape);
            return new NoteLeaderlessCommand(fields.Time(At), fields.Number(Micros));
        }
    }
    /// <summary>The message <c>Setting</c>.</summary>
    public static class PutSetting
    {
        public static void Write(WireWriter writer, PutSettingCommand put) => SettingTable.Write(writer, (long)put.Setting, put.Value);

        public static PutSettingCommand Read(ReadOnlyMemory<byte> body)
        {
            var (setting, value) = SettingTable.Read(body);
            return new PutSettingCommand(setting, value);
        }
    }
}
