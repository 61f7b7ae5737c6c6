using System.Collections.Immutable;
using Consensus.Fuzzing;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tests.Fuzzing;

/// <summary>
/// Commands that nobody's server would make. What does not decode is refused; what does decode is applied, by every replica with the same result, and breaks no
/// promise, since a command in the log cannot be taken back.
/// </summary>
public sealed class CommandFuzzTests
{
    private static readonly long[] Numbers = [0, 1, 2, 5, 6, 1_000_000, 10_000_000, long.MaxValue / 2, long.MaxValue - 1, long.MaxValue];

    /// <summary>
    /// The member's own socket, who shows no credential, and two who are bound now and then, one of them by a certificate that is revoked
    /// now and then.
    /// </summary>
    private static readonly string[] Principals =
        ["local\u001fl", "local\u001fl", "", "o", $"p\u001fc:{string.Concat(Enumerable.Repeat("01", 32))}"];

    [Test]
    public void Whatever_decodes_is_applied_alike_by_two_replicas_and_survives_a_snapshot([Range(1, 8)] int seed)
    {
        var random = Mutator.Random(seed);
        var (applied, refused, sequence) = (0, 0, 0L);
        for (var runs = Mutator.Rounds(8); runs > 0; runs--)
        {
            var one = new ReplicatedState(Limits.Default);
            var other = new ReplicatedState(Limits.Default);
            var now = new ClusterTime(1_000_000);
            for (var step = 0; step < 250; step++)
            {
                now = now.PlusMicros(random.Next(2_000_000));
                var payload = Encode(Draw(random), random);
                if (random.Chance(1, 2))
                {
                    payload = Mutator.Change(payload, random);
                }
                if (!Decodes(payload))
                {
                    refused++;
                    continue;
                }
                applied++;
                var request = new RequestId(new MemberId(random.Next(1, 3)), random.Next(1, 3), ++sequence);
                var principal = Principals[random.Next(Principals.Length)];
                var entry = new LoggedEntry(one.AppliedIndex.Next, now, true, request, principal, payload);
                var outputs = (new ApplyOutput(), new ApplyOutput());
                one.Apply(entry, outputs.Item1);
                other.Apply(entry, outputs.Item2);
                Assert.That(outputs.Item1.Resolutions.Count(r => r.Request == request), Is.EqualTo(1), "each command has one outcome of its own");
                Assert.That(outputs.Item2.Resolutions, Has.Count.EqualTo(outputs.Item1.Resolutions.Count));
                if (step % 60 == 59)
                {
                    other = ReplicatedState.Restore(Limits.Default, SnapshotBuffer.Of(other.TakeView()));
                }
                Assert.That(other.Hash, Is.EqualTo(one.Hash));
            }
            Assert.That(SnapshotBuffer.Of(other.TakeView()).Bytes(), Is.EqualTo(SnapshotBuffer.Of(one.TakeView()).Bytes()));
        }
        Assert.That(applied, Is.GreaterThan(100), "most commands are applied");
        Assert.That(refused, Is.GreaterThan(50), "some changes are refused");
    }

    [Test]
    public void Commands_are_read_or_refused_in_bounded_memory([Range(1, 4)] int seed)
    {
        var random = Mutator.Random(seed);
        for (var round = Mutator.Rounds(20_000); round > 0; round--)
        {
            var bytes = random.Chance(1, 10) ? Mutator.Bytes(random, 100) : Mutator.Change(Encode(Draw(random), random), random);
            var allocated = Mutator.AllocatedBy(() => Decodes(bytes));
            Assert.That(allocated, Is.LessThan((64L * bytes.Length) + 16_384));
        }
    }

    [Test]
    public void Snapshot_sections_are_restored_or_refused_in_bounded_memory([Range(1, 4)] int seed)
    {
        var random = Mutator.Random(seed);
        var machine = new Machine();
        for (var i = 0; i < 60; i++)
        {
            machine.Pass(random.Next(100_000));
            var session = new SessionRequest(new LeaseId(random.Next(1, 8)), random.Next(1, 20), 0);
            machine.Do(Draw(random), i % 3 == 0 ? $"id{random.Next(20)}" : "", session: i % 3 == 1 ? session : default);
        }
        var (restored, refused) = (0, 0);
        for (var round = Mutator.Rounds(1_500); round > 0; round--)
        {
            var buffer = SnapshotBuffer.Of(machine.View);
            var at = (int)random.Next(buffer.Sections.Count);
            var (kind, body) = buffer.Sections[at];
            switch (random.Next(8))
            {
                case 0:
                    buffer.Sections.RemoveAt(at);
                    break;
                case 1:
                    buffer.Sections.Insert((int)random.Next(buffer.Sections.Count + 1), (kind, body));
                    break;
                case 2:
                    buffer.Sections[at] = ((int)random.Next(-1, 25), body);
                    break;
                default:
                    buffer.Sections[at] = (kind, Mutator.Change(body, random));
                    break;
            }
            var bytes = buffer.Sections.Sum(s => (long)s.Body.Length);
            var allocated = Mutator.AllocatedBy(() =>
            {
                if (Restores(buffer))
                {
                    restored++;
                }
                else
                {
                    refused++;
                }
            });
            Assert.That(allocated, Is.LessThan((200 * bytes) + (1 << 20)), "memory for a snapshot");
        }
        Assert.That(refused, Is.GreaterThan(restored / 10));
        Assert.That(restored, Is.Positive, "some changes are harmless here, because the checksums are the storage room's");
    }

    private static Command Draw(DeterministicRandom random)
    {
        var key = new Key(random.Chance(1, 8) ? Mutator.Bytes(random, 30) : [(byte)('a' + random.Next(4))]);
        var lease = new LeaseId(random.Chance(1, 4) ? Numbers[random.Next(Numbers.Length)] : random.Next(0, 8));
        var number = Numbers[random.Next(Numbers.Length)];
        var request = new RequestId(new MemberId(random.Next(1, 3)), random.Next(1, 3), random.Next(1, 500));
        var space = (HoldSpace)random.Next(3);
        return random.Next(25) switch
        {
            0 => new PutCommand(key, Mutator.Bytes(random, 20), lease, new KeyCondition((KeyConditionKind)random.Next(4), new Revision(number))),
            1 => new DeleteCommand(key, KeyCondition.None),
            2 => new DeletePrefixCommand(key),
            3 => new GrantLeaseCommand(lease, number) { IsSession = random.Chance(1, 2) },
            4 => new RenewLeasesCommand([lease, lease, new LeaseId(number)]),
            5 => new RevokeLeaseCommand(lease),
            6 or 7 or 8 => Terms(new AcquireCommand(key, Owner(random), number, lease, LeaseId.None, Number(random)) { Space = space }, random),
            9 => Terms(new AcquireCommand(key, "", 0, LeaseId.None, lease, number) { Space = space }, random),
            10 => new RenewHoldCommand(key, new FencingToken(random.Next(1, 40)))
            {
                Space = space,
                Value = random.Chance(1, 2) ? Mutator.Bytes(random, 10) : (ReadOnlyMemory<byte>?)null,
            },
            11 => new ReleaseHoldCommand(key, new FencingToken(random.Next(40)), Force: random.Chance(1, 2)) { Space = space },
            12 => new CancelWaitCommand(key, request, CancelReason.Disconnected) { Space = space },
            13 => random.Chance(1, 2) ? new DetachWaitersCommand(request.Member, request.Boot) : new DetachRequestsCommand([request, request]),
            14 => new HandOverCommand(key, new FencingToken(random.Next(1, 40)), Owner(random)) { Space = space },
            15 => new AcquireManyCommand([.. Enumerable.Range(0, (int)random.Next(4)).Select(_ => new Key([(byte)('a' + random.Next(4))]))], Owner(random), number, lease, LeaseId.None)
            {
                WaitMicros = Number(random),
                LockDelayMicros = Number(random),
                MaxHoldMicros = Number(random),
                Metadata = Mutator.Bytes(random, 10),
            },
            16 or 17 or 18 => DrawTxn(random, key, lease, number),
            19 => new FenceCommand(key, new FencingToken(random.Chance(1, 2) ? number : random.Next(1, 40))),
            20 => random.Chance(1, 2) ? new ResetFenceCommand(key) : new CompactCommand(new Revision(random.Chance(1, 2) ? number : random.Next(40))),
            21 => random.Chance(1, 2) ? new WithdrawCommand(new Key([(byte)random.Next(20)])) : new SettleCommand(lease, random.Next(1, 40)),
            23 => random.Chance(1, 3) ? DrawToken(random) : DrawPolicy(random, key),
            22 => new PutSettingCommand((Setting)random.Next(1, SettingDefinition.All.Length + 1), number),
            _ => random.Chance(1, 2) ? new ExpireCommand() : new AnnounceMemberCommand(request.Member, "n", number, "u", "p", "v", 0),
        };
    }

    private static PolicyCommand DrawPolicy(DeterministicRandom random, Key key)
    {
        var name = random.Chance(1, 4) ? "anonymous" : Owner(random);
        var rule = new AccessRule(
            (Verbs)random.Next(1, 16), (Spaces)random.Next(1, 32), random.Chance(1, 2) ? default : new Key(key.Bytes), IsPrefix: true);
        return random.Next(6) switch
        {
            0 or 1 => new PutRoleCommand(name, [rule, AccessRule.Everything]),
            2 => random.Chance(1, 2) ? new DeleteRoleCommand(name) : new DeletePrincipalCommand(name),
            3 => new PutPrincipalCommand(name, random.Chance(1, 2) ? [name] : [BuiltInRoles.Admin], random.Chance(1, 4))
            {
                ExpectedRevision = random.Chance(1, 4) ? Number(random) : 0,
                Limits = random.Chance(1, 2)
                    ? PrincipalLimits.Default
                    : PrincipalLimits.Default with { Leases = random.Next(4), Holds = random.Next(4), IdempotencyBytes = Number(random) },
            },
            4 => random.Chance(2, 3)
                ? new PutRevocationCommand(new Key(Enumerable.Repeat((byte)random.Next(3), 32).ToArray()), name)
                : new DeleteRevocationCommand(key),
            _ => new EnableAuthCommand(Actor.Anonymous),
        };
    }

    private static Command DrawToken(DeterministicRandom random)
    {
        var id = new string((char)('a' + random.Next(4)), PolicyNames.TokenIdLength);
        var secret = new Key(new byte[random.Chance(9, 10) ? 32 : 31]);
        var (end, ttl) = (random.Chance(1, 2) ? random.Next(1_000_000) : Number(random),
            random.Chance(1, 2) ? random.Next(100) : Number(random));
        return random.Next(5) switch
        {
            0 => new PutTokenCommand(id, secret, Owner(random), end, ttl),
            1 => new RotateTokenCommand(id, secret, end, ttl),
            2 => new RevokeTokenCommand(id, random.Chance(1, 2), random.Chance(1, 2) ? 0 : end),
            3 => new EndOwnTokenCommand(end),
            _ => new ForgetTokensCommand(Number(random)),
        };
    }

    private static long Number(DeterministicRandom random) => Numbers[random.Next(Numbers.Length)];

    private static string Owner(DeterministicRandom random) => random.Chance(1, 2) ? "o" : "p";

    private static AcquireCommand Terms(AcquireCommand command, DeterministicRandom random) => command with
    {
        Mode = (LockMode)random.Next(2),
        Count = random.Chance(1, 2) ? random.Next(4) : Number(random),
        Permits = random.Chance(3, 4) ? 3 : Number(random),
        LockDelayMicros = random.Chance(1, 2) ? 0 : Number(random),
        MaxHoldMicros = random.Chance(1, 2) ? 0 : Number(random),
        Metadata = Mutator.Bytes(random, 10),
        Value = Mutator.Bytes(random, 10),
    };

    private static TxnCommand DrawTxn(DeterministicRandom random, Key key, LeaseId lease, long number)
    {
        var compare = new TxnCompare(
            (CompareTarget)random.Next(1, 8), (CompareOperator)random.Next(1, 5), key, random.Chance(1, 2) ? number : random.Next(40), Mutator.Bytes(random, 3), (HoldSpace)random.Next(3));
        return new TxnCommand(random.Chance(1, 2) ? [compare] : [], Branch(), Branch());

        ImmutableArray<TxnOperation> Branch() =>
        [
            .. Enumerable.Range(0, (int)random.Next(4)).Select(_ => (TxnOperation)(random.Next(4) switch
            {
                0 => new TxnPut(key, Mutator.Bytes(random, 20), lease),
                1 => new TxnPut(new Key([(byte)('a' + random.Next(4))]), default, LeaseId.None),
                2 => new TxnDelete(new Key([(byte)('a' + random.Next(4))]), random.Chance(1, 2)),
                _ => new TxnGet(random.Chance(1, 2) ? key : default, random.Chance(1, 2), random.Chance(1, 2) ? number : 0),
            })),
        ];
    }

    private static byte[] Encode(Command command, DeterministicRandom random)
    {
        var writer = new WireWriter();
        ReadOnlyMemory<byte> key = random.Chance(1, 3) ? new[] { (byte)random.Next(20) } : default;
        var session = key.IsEmpty && random.Chance(1, 2)
            ? new SessionRequest(new LeaseId(random.Next(1, 8)), random.Chance(1, 8) ? Math.Max(1, Number(random)) : random.Next(1, 40), random.Next(4) * random.Next(8))
            : default;
        CommandCodec.Write(writer, new CommandEnvelope(command, key, key.IsEmpty && session.IsNone ? default : new byte[16]) { Session = session });
        return writer.ToArray();
    }

    private static bool Decodes(byte[] payload)
    {
        try
        {
            CommandCodec.Read(payload);
            return true;
        }
        catch (WireFormatException)
        {
            return false;
        }
    }

    private static bool Restores(SnapshotBuffer buffer)
    {
        try
        {
            ReplicatedState.Restore(Limits.Default, buffer);
            return true;
        }
        catch (WireFormatException)
        {
            return false;
        }
    }
}
