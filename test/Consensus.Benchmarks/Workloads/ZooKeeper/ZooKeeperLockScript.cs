using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Workloads.ZooKeeper;

/// <summary>
/// The lock of ZooKeeper's own recipes, which is its election too: a node of its session whose name ends with a number that rises; whose
/// number is lowest among the node's siblings holds; every other waits until the one before it is gone, and looks again.
/// </summary>
internal sealed class ZooKeeperLockScript : IClientScript
{
    private const int Digits = 10;
    private const string Prefix = "at-";

    private readonly HolderWitness _witness;
    private readonly string _lock;
    private readonly byte[] _createLock;
    private readonly byte[] _enter;
    private readonly byte[] _look;
    private Step _step = Step.CreateLock;
    private long _number;
    private long _before;
    private bool _holds;

    /// <param name="name">A node below the root, made by whoever comes first and never deleted.</param>
    public ZooKeeperLockScript(ClientSeat seat, string name, HolderWitness witness)
    {
        _witness = witness;
        _lock = "/" + name;
        _createLock = ZooKeeperRequest.Create(_lock, "", ZooKeeperRequest.Node.Persistent);
        _enter = ZooKeeperRequest.Create(
            $"{_lock}/{Prefix}",
            string.Create(CultureInfo.InvariantCulture, $"client-{seat.Index:00000}"),
            ZooKeeperRequest.Node.EphemeralSequential);
        _look = ZooKeeperRequest.GetChildren(_lock);
    }

    private enum Step
    {
        CreateLock,
        Enter,
        Look,
        Watch,
        Leave,
    }

    public int NextRequest(Span<byte> request, bool stopping)
    {
        switch (_step)
        {
            case Step.CreateLock or Step.Enter when stopping:
                return 0;
            case Step.CreateLock:
                return RequestWriter.Copy(_createLock, request);
            case Step.Enter:
                return RequestWriter.Copy(_enter, request);
            case Step.Look:
                return RequestWriter.Copy(_look, request);
            case Step.Watch:
                return RequestWriter.Copy(ZooKeeperRequest.GetData(PathOf(_before), watch: true), request);
            default:
                if (_holds)
                {
                    _witness.Releasing();
                }

                return RequestWriter.Copy(ZooKeeperRequest.Delete(PathOf(_number)), request);
        }
    }

    public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body)
    {
        switch (_step)
        {
            case Step.CreateLock when status is 200 or ZooKeeperReply.NodeExists:
                _step = Step.Enter;
                return StepOutcome.Prepared;
            case Step.Enter when status == 200 && TryReadNumber(body, out _number):
                _step = Step.Look;
                return StepOutcome.Continue;
            case Step.Look when status == 200:
                return OnSiblings(body);
            case Step.Watch when status == 200:
                return StepOutcome.Await;
            case Step.Watch when status is ZooKeeperSession.Changed or ZooKeeperReply.NoNode:
                _step = Step.Look;
                return StepOutcome.Continue;
            case Step.Leave when status == 200:
                (_step, var held) = (Step.Enter, _holds);
                _holds = false;
                return held ? StepOutcome.Completed : StepOutcome.Prepared;
            case Step.Leave when status == ZooKeeperReply.NoNode:
                (_step, _holds) = (Step.Enter, false);
                return StepOutcome.Failed;
            default:

                // Who does not know where it stands leaves the line; a node that may still be there is deleted again.
                _step = _step is Step.Look or Step.Watch ? Step.Leave : _step;
                return StepOutcome.Failed;
        }
    }

    private StepOutcome OnSiblings(ReadOnlySpan<byte> body)
    {
        var (isThere, before) = (false, -1L);
        for (var rest = body[sizeof(int)..]; !rest.IsEmpty; rest = rest[(sizeof(int) + BinaryPrimitives.ReadInt32BigEndian(rest))..])
        {
            if (!TryReadNumber(rest[..(sizeof(int) + BinaryPrimitives.ReadInt32BigEndian(rest))], out var number))
            {
                return StepOutcome.Failed;
            }

            isThere |= number == _number;
            before = number < _number ? Math.Max(before, number) : before;
        }

        if (!isThere)
        {
            _step = Step.Enter;
            return StepOutcome.Failed;
        }

        _holds = before < 0;
        (_before, _step) = (before, _holds ? Step.Leave : Step.Watch);

        // The number is what a resource that it guards can tell old holders by.
        return !_holds || _witness.Granted(_number + 1) ? StepOutcome.Continue : StepOutcome.PromiseBroken;
    }

    /// <summary>The number at the end of a text and of the bytes that it is.</summary>
    private static bool TryReadNumber(ReadOnlySpan<byte> text, out long number)
    {
        number = 0;
        return text.Length >= Digits && Utf8Parser.TryParse(text[^Digits..], out number, out var read) && read == Digits;
    }

    private string PathOf(long number) => string.Create(CultureInfo.InvariantCulture, $"{_lock}/{Prefix}{number:0000000000}");
}
