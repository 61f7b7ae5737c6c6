using Consensus.Fuzzing;
using Consensus.Primitives;
using Consensus.Server.Locks;
using Consensus.Server.Tests.Support;
using Consensus.Server.Transactions;
using Consensus.StateMachine;

namespace Consensus.Server.Tests.Fuzzing;

/// <summary>
/// MessagePack of any kind is a request, or refused in a sentence; and no header of it makes the reader take memory that is not there to
/// be read.
/// </summary>
internal sealed class PackedFuzzTests
{
    private const string Transaction =
        """{"compare":[{"key":"a","target":"version","op":">","operand":0},{"lock":"l","fencingToken":2}],"success":"""
        + """[{"put":{"key":"a","value":"b","lease":"1f"}}],"failure":"""
        + """[{"get":{"prefix":"a","limit":2}},{"delete":{"prefix":"z"}}]}""";

    private const string Acquire =
        """{"owner":"me","ttl":"15s","wait":60,"lockDelay":5,"metadata":{"a":[1,{"b":null,"c":[[],{}]}],"d":-7,"e":"\u0001é"}}""";

    [Test]
    public void Any_transaction_is_read_or_refused_in_a_sentence([Range(1, 4)] int seed)
    {
        var (taken, refused) = Fuzz(Packed.TryOf(Transaction)!, seed, body =>
        {
            var command = TxnReader.Read(body, out var refusal);
            Assert.That(command is null, Is.EqualTo(refusal is not null));
            Assert.That(refusal?.Detail, Is.Null.Or.Not.Empty);
            return command is not null;
        });
        Assert.That(taken, Is.Positive);
        Assert.That(refused, Is.Positive);
    }

    [Test]
    public void Any_request_for_a_lock_is_read_or_refused_in_a_sentence([Range(1, 4)] int seed)
    {
        var form = new LockForm(null!);
        var (taken, refused) = Fuzz(Packed.TryOf(Acquire)!, seed, body =>
        {
            var command = form.ReadAcquire(Key.FromText("l"), body, 0, out var refusal);
            Assert.That(command is null, Is.EqualTo(refusal is not null));
            return command is not null;
        });
        Assert.That(taken, Is.Positive);
        Assert.That(refused, Is.Positive);
    }

    private static (int Taken, int Refused) Fuzz(byte[] correct, int seed, Func<byte[], bool> read)
    {
        var random = Mutator.Random(seed);
        var (taken, refused) = (0, 0);
        // What is loaded once is no part of a reading.
        read(correct);
        for (var round = Mutator.Rounds(5_000); round > 0; round--)
        {
            var body = random.Chance(1, 20) ? Draw(random) : random.Chance(1, 20) ? correct : Mutator.Change(correct, random);
            var isTaken = false;
            try
            {
                var allocated = Mutator.AllocatedBy(() => isTaken = read(body));
                Assert.That(allocated, Is.LessThan(200_000 + (100L * body.Length)));
            }
            catch (Exception e) when (e is not AssertionException)
            {
                Assert.Fail($"{e}\n{Convert.ToHexString(body)}");
            }
            (taken, refused) = isTaken ? (taken + 1, refused) : (taken, refused + 1);
        }
        return (taken, refused);
    }

    /// <summary>Bytes of any kind after the beginning of a map.</summary>
    private static byte[] Draw(DeterministicRandom random) => [(byte)(0x80 + random.Next(16)), .. Mutator.Bytes(random, 60)];
}
