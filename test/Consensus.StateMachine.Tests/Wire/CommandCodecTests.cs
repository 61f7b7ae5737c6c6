using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Wire;
using Google.Protobuf;
using NUnit.Framework.Constraints;

namespace Consensus.StateMachine.Tests.Wire;

public sealed class CommandCodecTests
{
    private static readonly AccessRule Rule = new(Verbs.Read | Verbs.Break, Spaces.Fences, Machine.Key("é"), IsPrefix: true);

    private static readonly Command[] Commands =
    [
        new PutCommand(Machine.Key("k"), new byte[] { 1, 2 }, new LeaseId(long.MaxValue), new KeyCondition(KeyConditionKind.ModRevisionIs, new Revision(7))),
        new DeleteCommand(Machine.Key("k"), new KeyCondition(KeyConditionKind.Exists)),
        new PutRoleCommand("r", [Rule, AccessRule.Everything]) { ExpectedRevision = 3 },
        new PutRoleCommand("r", []),
        new DeleteRoleCommand("r") { ExpectedRevision = 3 },
        new PutPrincipalCommand("p*", ["r", "s"], IsDisabled: true) { ExpectedRevision = 3 },
        new PutPrincipalCommand("p", [], IsDisabled: false) { Limits = new PrincipalLimits(1, 2, 3) },
        new DeletePrincipalCommand("p") { ExpectedRevision = 3 },
        new PutRevocationCommand(Machine.Key("print"), "ö") { ExpectedRevision = 3 },
        new DeleteRevocationCommand(Machine.Key("print")) { ExpectedRevision = 3 },
        new PutTokenCommand("abcdefghijk", Machine.Key("secret"), "ö", 4, 5) { ExpectedRevision = 3 },
        new RotateTokenCommand("abcdefghijk", Machine.Key("secret"), 4, 5) { ExpectedRevision = 3 },
        new RevokeTokenCommand("abcdefghijk", Only: true, 4) { ExpectedRevision = 3 },
        new EndOwnTokenCommand(4) { ExpectedRevision = 3 },
        new ForgetTokensCommand(4),
        new EnableAuthCommand("ö") { ExpectedRevision = 3 },
        new DeletePrefixCommand(default),
        new GrantLeaseCommand(new LeaseId(5), 1_000_000),
        new RenewLeasesCommand([new LeaseId(5), new LeaseId(6)]),
        new RevokeLeaseCommand(new LeaseId(5)),
        new AcquireCommand(Machine.Key("é"), "ö", 5, new LeaseId(6), new LeaseId(7), 8),
        new RenewHoldCommand(Machine.Key("k"), new FencingToken(9)),
        new ReleaseHoldCommand(Machine.Key("k"), new FencingToken(9), Force: true),
        new CancelWaitCommand(Machine.Key("k"), Machine.Request(3), CancelReason.Stopping),
        new ExpireCommand(),
        new DetachWaitersCommand(new MemberId(4), 5),
        new DetachRequestsCommand([Machine.Request(1), Machine.Request(2)]),
        new AnnounceMemberCommand(new MemberId(4), "n", 5, "u", "p", "v", 6),
        new AnnounceMemberCommand(new MemberId(4), "n", 5, "u", "p", "v", 6) { Settings = [new SettingValue(Setting.QuotaBytes, 7), new SettingValue(Setting.MaxFences, 0)] },
        new ForgetMemberCommand(new MemberId(4)),
        new AcquireCommand(Machine.Key("s"), "o", 5, new LeaseId(6), LeaseId.None, 8)
        {
            Space = HoldSpace.Election,
            Mode = LockMode.Shared,
            Count = 2,
            Permits = 3,
            LockDelayMicros = 4,
            MaxHoldMicros = 5,
            Metadata = new byte[] { 1 },
            Value = new byte[] { 2 },
        },
        new AcquireManyCommand([Machine.Key("a"), Machine.Key("b")], "o", 5, new LeaseId(6), new LeaseId(7))
        {
            LockDelayMicros = 8,
            MaxHoldMicros = 9,
            Metadata = new byte[] { 1 },
            WaitMicros = 10,
        },
        new RenewHoldCommand(Machine.Key("k"), new FencingToken(9)) { Space = HoldSpace.Election, Value = new byte[] { 1 } },
        new RenewHoldCommand(Machine.Key("k"), new FencingToken(9)) { Space = HoldSpace.Election, Value = ReadOnlyMemory<byte>.Empty },
        new ReleaseHoldCommand(Machine.Key("k"), new FencingToken(9), Force: false) { Space = HoldSpace.Semaphore },
        new CancelWaitCommand(Machine.Key("k"), Machine.Request(3), CancelReason.Disconnected) { Space = HoldSpace.Semaphore },
        new HandOverCommand(Machine.Key("k"), new FencingToken(9), "ö") { Space = HoldSpace.Election },
        new TxnCommand(
            [
                new TxnCompare(CompareTarget.Value, CompareOperator.Less, Machine.Key("k"), 0, new byte[] { 1 }),
                new TxnCompare(CompareTarget.Hold, CompareOperator.Equal, Machine.Key("job"), 9, default, HoldSpace.Election),
            ],
            [new TxnPut(Machine.Key("k"), new byte[] { 1, 2 }, new LeaseId(5)), new TxnDelete(default, IsPrefix: true)],
            [new TxnGet(Machine.Key("k"), IsPrefix: true, 7), new TxnDelete(Machine.Key("k"), IsPrefix: false)]),
        new FenceCommand(Machine.Key("disk"), new FencingToken(9)),
        new ResetFenceCommand(Machine.Key("disk")),
        new CompactCommand(new Revision(9)),
        new WithdrawCommand(Machine.Key("request-1")),
        new PutSettingCommand(Setting.HistoryMs, 600_000),
        new ChangePermitsCommand(Machine.Key("k"), 7),
        new NoteLeaderlessCommand(new ClusterTime(9), 7),
        new RevokeLeaseCommand(new LeaseId(5)) { By = "10.0.0.7 through n1" },
        new ReleaseHoldCommand(Machine.Key("k"), new FencingToken(9), Force: true) { By = "10.0.0.7 through n1" },
        new SettleCommand(new LeaseId(5), 7),
        new GrantLeaseCommand(new LeaseId(5), 1_000_000) { IsSession = true },
    ];

    private static byte[] Encode(CommandEnvelope envelope)
    {
        var writer = new WireWriter();
        CommandCodec.Write(writer, envelope);
        return writer.ToArray();
    }

    [TestCaseSource(nameof(Commands))]
    public void Every_command_reads_back_by_our_code_and_by_generated_code(Command command)
    {
        var bytes = Encode(new CommandEnvelope(command, new byte[] { 1 }, new byte[16]));
        Assert.That(Encode(CommandCodec.Read(bytes)), Is.EqualTo(bytes));
        Assert.That(CommandCodec.Read(bytes).Command, Is.TypeOf(command.GetType()));
        var numbered = new CommandEnvelope(command, default, new byte[16]) { Session = new SessionRequest(new LeaseId(9), 8, 7) };
        Assert.That(CommandCodec.Read(Encode(numbered)).Session, Is.EqualTo(numbered.Session));
        Assert.That(Encode(CommandCodec.Read(V1.CommandEnvelope.Parser.ParseFrom(Encode(numbered)).ToByteArray())), Is.EqualTo(Encode(numbered)));
        var generated = V1.CommandEnvelope.Parser.ParseFrom(bytes);
        Assert.That(Encode(CommandCodec.Read(generated.ToByteArray())), Is.EqualTo(bytes));
    }

    [TestCase(0, 1, "a", false, "no verb")]
    [TestCase(16, 1, "a", false, "an unknown verb")]
    [TestCase(1, 0, "a", false, "no space")]
    [TestCase(1, 32, "a", false, "an unknown space")]
    [TestCase(1L << 32 | 1, 1, "a", false, "a verb beyond what there can be")]
    [TestCase(1, 1, "", false, "no name")]
    public void A_rule_that_says_nothing_or_what_is_unknown_is_refused(long verbs, long spaces, string name, bool isPrefix, string what)
    {
        var role = new V1.PutRole { Name = "r" };
        role.Rules.Add(new V1.AccessRule { Verbs = verbs, Spaces = spaces, Name = ByteString.CopyFromUtf8(name), IsPrefix = isPrefix });
        Assert.That(
            () => CommandCodec.Read(new V1.CommandEnvelope { PutRole = role }.ToByteArray()), Throws.TypeOf<WireFormatException>(), what);
    }

    [Test]
    public void Unknown_fields_kinds_and_values_are_refused()
    {
        var writer = new WireWriter();
        writer.Int64(99, 1);
        Assert.That(() => CommandCodec.Read(writer.ToArray()), Throws.TypeOf<WireFormatException>());
        writer.Clear();
        var start = writer.BeginMessage(16);
        writer.Int64(9, 1);
        writer.EndMessage(start);
        Assert.That(() => CommandCodec.Read(writer.ToArray()), Throws.TypeOf<WireFormatException>());
        writer.Clear();
        start = writer.BeginMessage(16);
        writer.Int64(4, 77);
        writer.EndMessage(start);
        Assert.That(() => CommandCodec.Read(writer.ToArray()), Throws.TypeOf<WireFormatException>());
        Assert.That(() => CommandCodec.Read(default), Throws.TypeOf<WireFormatException>());
        Assert.That(() => CommandCodec.Read(Encode(new CommandEnvelope(new WithdrawCommand(default)))), Throws.TypeOf<WireFormatException>(), "a withdrawal of nothing");
    }

    [TestCaseSource(nameof(Commands))]
    public void A_field_twice_is_refused_unless_it_is_a_list(Command command)
    {
        var whole = Encode(new CommandEnvelope(command, new byte[] { 1 }, new byte[16]));
        foreach (var (number, bytes) in FieldsOf(whole))
        {
            Assert.That(() => CommandCodec.Read((byte[])[.. whole, .. bytes]), Throws.TypeOf<WireFormatException>(), $"field {number} of the envelope");
        }
        var numbered = new CommandEnvelope(new ExpireCommand(), default, new byte[16]) { Session = new SessionRequest(new LeaseId(9), 8, 7) };
        foreach (var (number, bytes) in FieldsOf(Encode(numbered)))
        {
            Assert.That(() => CommandCodec.Read((byte[])[.. Encode(numbered), .. bytes]), Throws.TypeOf<WireFormatException>(), $"field {number}");
        }
        var kind = FieldsOf(whole)[^1].Number;
        var field = V1.CommandEnvelope.Descriptor.FindFieldByNumber(kind);
        var body = ((IMessage)field.Accessor.GetValue(V1.CommandEnvelope.Parser.ParseFrom(whole))).ToByteArray();
        foreach (var (number, bytes) in FieldsOf(body))
        {
            var writer = new WireWriter();
            writer.BytesAlways(kind, (byte[])[.. body, .. bytes]);
            IResolveConstraint expected = field.MessageType.FindFieldByNumber(number).IsRepeated ? Throws.Nothing : Throws.TypeOf<WireFormatException>();
            Assert.That(() => CommandCodec.Read(writer.ToArray()), expected, $"field {number} of {field.Name}");
        }
    }

    /// <summary>The fields of a message, each with its bytes as they stand there.</summary>
    private static List<(int Number, byte[] Bytes)> FieldsOf(byte[] message)
    {
        var found = new List<(int, byte[])>();
        var reader = new WireReader(message);
        for (var start = 0; reader.NextField(); start = message.Length - reader.Remaining)
        {
            reader.Skip();
            found.Add((reader.Field, message[start..(message.Length - reader.Remaining)]));
        }
        return found;
    }

    [TestCase(5, 0, 0, "", "no number")]
    [TestCase(0, 1, 0, "", "no session")]
    [TestCase(0, 0, 1, "", "no session and no number")]
    [TestCase(-5, 1, 0, "", "no lease")]
    [TestCase(5, -1, 0, "", "no number above 0")]
    [TestCase(5, 1, -1, "", "less acknowledged than nothing")]
    [TestCase(5, 1, 0, "k", "two identities")]
    public void A_part_of_a_sessions_number_and_a_second_identity_are_refused(long session, long number, long acked, string key, string what)
    {
        var envelope = new CommandEnvelope(new ExpireCommand(), System.Text.Encoding.ASCII.GetBytes(key), new byte[16])
        {
            Session = new SessionRequest(new LeaseId(session), number, acked),
        };
        Assert.That(() => CommandCodec.Read(Encode(envelope)), Throws.TypeOf<WireFormatException>(), what);
        Assert.That(() => CommandCodec.Read(Encode(new CommandEnvelope(new SettleCommand(new LeaseId(5), 0)))), Throws.TypeOf<WireFormatException>(), "a settlement of nothing");
    }

    [Test]
    public void Damaged_commands_and_snapshots_are_refused_and_nothing_worse([Range(1, 4)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        var machine = new Machine();
        machine.Acquire("job", 5);
        machine.Wait("job", 6, identity: "a");
        machine.Do(Commands[0] with { });
        machine.Do(new PutRoleCommand("r", [AccessRule.Everything]));
        machine.Do(new PutPrincipalCommand("p", ["r"], IsDisabled: false));
        machine.Do(new PutRevocationCommand(new Key(new byte[32]), ""));
        machine.Do(new PutTokenCommand("abcdefghijk", new Key(new byte[32]), "p", 4, 5));
        machine.Do(new TxnCommand([], [new TxnPut(Machine.Key("b"), new byte[] { 1 }, LeaseId.None), new TxnGet(default, IsPrefix: true, 0)], []), "b");
        machine.Do(new TxnCommand([], [new TxnPut(Machine.Key("c"), new byte[] { 1 }, LeaseId.None), new TxnDelete(Machine.Key("b"), IsPrefix: false)], []));
        machine.Do(new FenceCommand(Machine.Key("disk"), new FencingToken(2)), "c");
        machine.Do(new WithdrawCommand(Machine.Key("d")));
        for (var i = 0; i < 10_000; i++)
        {
            var bytes = Encode(new CommandEnvelope(Commands[random.Next(Commands.Length)]));
            Mutate(bytes, random);
            Expect(() => CommandCodec.Read(bytes.AsMemory(0, (int)random.Next(bytes.Length + 1))));
            if (i % 20 == 0)
            {
                var buffer = SnapshotBuffer.Of(machine.View);
                Mutate(buffer.Sections[(int)random.Next(buffer.Sections.Count)].Body, random);
                Expect(() => ReplicatedState.Restore(Limits.Default, buffer));
            }
        }
        Assert.Pass();
    }

    private static void Mutate(byte[] bytes, DeterministicRandom random)
    {
        for (var flips = random.Next(1, 5); flips > 0; flips--)
        {
            bytes[random.Next(bytes.Length)] = (byte)random.NextUInt64();
        }
    }

    private static void Expect(Action read)
    {
        try
        {
            read();
        }
        catch (WireFormatException)
        {
            // The node stops; it never goes on with half of it.
        }
    }
}
