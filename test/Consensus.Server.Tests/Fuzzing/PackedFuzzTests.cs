using System.Buffers;
using System.Text;
using System.Text.Json;
using Consensus.Api.Json;
using Consensus.Api.Packed;
using Consensus.Fuzzing;
using Consensus.Primitives;
using Consensus.Server.Cluster;
using Consensus.Server.Comparison;
using Consensus.Server.Elections;
using Consensus.Server.Holds;
using Consensus.Server.Leases;
using Consensus.Server.Locks;
using Consensus.Server.Semaphores;
using Consensus.Server.Tests.Support;
using Consensus.Server.Transactions;
using Consensus.StateMachine;
using Consensus.Translation;
using MessagePack;

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

    private const string Metadata =
        """{"a":[1,{"b":null,"c":[[],{}]},-7,0.5,1e300,18446744073709551615],"d":"\u0001"""
        + """\ud83d\ude00\n\"é","e":{"f\u00e9":[true,false]}}""";

    private static readonly ObjectName Name = ObjectName.Lock(Key.FromText("l"));

    /// <summary>A correct body of each kind, and its reader, which gives the sentence that refuses it.</summary>
    private static readonly Dictionary<string, (string Json, Func<byte[], string?> Read)> Requests = new()
    {
        ["transaction"] = (Transaction, body => Sentence(TxnReader.Read(body, out var refusal), refusal?.Detail)),
        ["lock"] = (Acquire, body => Sentence(new LockForm(null!).ReadAcquire(Name.Name, body, 0, out var refusal), refusal)),
        ["semaphore"] = (
            """{"owner":"me","ttl":15,"permits":3,"count":2,"metadata":{}}""",
            body => Sentence(new SemaphoreForm(null!).ReadAcquire(Name.Name, body, 0, out var refusal), refusal)),
        ["election"] = (
            """{"candidate":"me","ttl":15,"value":"here"}""",
            body => Sentence(new ElectionForm(null!).ReadAcquire(Name.Name, body, 0, out var refusal), refusal)),
        ["proclamation"] = (
            """{"fencingToken":7,"value":"here"}""",
            body => Sentence(new ElectionForm(null!).ReadRenew(Name.Name, body, out var refusal), refusal)),
        ["hand-over"] = (
            """{"fencingToken":"7","handOverTo":"you"}""",
            body => Sentence(HoldRequests.ReadPatch(Name, body, takesPermits: true, out var refusal), refusal)),
        ["token"] = ("""{"fencingToken":7}""", body => Sentence(HoldRequests.ReadToken(body, out var refusal), refusal)),
        ["lease"] = ("""{"ttl":"15s","session":true}""", body => Sentence(LeaseRequests.ReadGrant(body, 0, out var refusal), refusal)),
        ["settled"] = ("""{"seq":300}""", body => Sentence(LeaseRequests.ReadSettle(body, out var refusal), refusal)),
        ["leases"] = ("""{"ids":["1f","20"]}""", body => Sentence(LeaseRequests.ReadKeepAlive(body, out var refusal), refusal)),
        ["member"] = ("""{"name":"n4","role":"voter"}""", body => Sentence(MemberRequests.ReadAdd(body, out var refusal), refusal)),
        ["promotion"] = (
            """{"role":"voter","replaces":"n3"}""",
            body => Sentence(MemberRequests.ReadUpdate(body, out var refusal), refusal)),
        ["tables"] = (
            """{"index":7,"table":"keys","ranges":[{"from":"YQ==","cuts":["Yg==","Yw=="]},{"to":"YQ==","items":3},{"parts":2}]}""",
            body => Sentence(TableQuestion.Read(body, out var refusal), refusal)),
    };

    private static IEnumerable<string> Names => Requests.Keys;

    /// <summary>Refused in a sentence, and in no long one, or taken: one of the two.</summary>
    private static string? Sentence(object? request, string? refusal)
    {
        Assert.That(request is null, Is.EqualTo(refusal is not null));
        Assert.That(refusal?.Length, Is.Null.Or.InRange(1, Problem.MostDetailCharacters));
        return refusal;
    }

    [Test]
    public void Any_request_is_read_or_refused_in_a_sentence([ValueSource(nameof(Names))] string name, [Range(1, 2)] int seed)
    {
        var (json, read) = Requests[name];
        var (taken, refused) = Fuzz(Packed.TryOf(json)!, seed, body => read(body) is null);
        Assert.That(taken, Is.Positive);
        Assert.That(refused, Is.Positive);
    }

    /// <summary>What is stored was JSON once: an answer in MessagePack must not fail for it, nor cost more where it is deep.</summary>
    [Test]
    public void Any_JSON_can_be_told([Range(1, 4)] int seed)
    {
        var random = Mutator.Random(seed);
        var original = Encoding.UTF8.GetBytes(Metadata);
        var told = 0;
        for (var round = Mutator.Rounds(5_000); round > 0; round--)
        {
            var json = Encoding.UTF8.GetString(Mutator.Change(original, random));
            if (TokensOf(json) is not { } tokens)
            {
                continue;
            }
            var output = new ArrayBufferWriter<byte>();
            var writer = new MessagePackWriter(output);
            Assert.That(JsonPacker.Write(ref writer, new RawJson(json), isExact: false), Is.EqualTo(2 * tokens), json);
            writer.Flush();
            Assert.That(() => PackedJson.ToJson(output.WrittenMemory), Throws.Nothing, json);
            told++;
        }
        Assert.That(told, Is.Positive);
    }

    /// <summary>Null where it is no JSON.</summary>
    private static int? TokensOf(string json)
    {
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
            var tokens = 0;
            while (reader.Read())
            {
                tokens++;
            }
            return tokens;
        }
        catch (JsonException)
        {
            return null;
        }
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
