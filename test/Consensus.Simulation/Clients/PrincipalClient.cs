using System.Globalization;
using System.Text;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Nodes;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;

namespace Consensus.Simulation.Clients;

/// <summary>
/// A principal that writes its key through any member, some of it long on its way, and its administrator, who takes its right away in one
/// of the ways that there are, looks whether anything of it is done all the same, and gives it back. Whoever else there is shows no
/// credential and may everything.
/// </summary>
/// <param name="effects">Told what was answered.</param>
/// <param name="number">Of the principal; no two have the same.</param>
internal sealed class PrincipalClient(SimulatedCluster cluster, RevokedEffects effects, int number, ulong seed)
{
    private const long PatienceMicros = 1_000_000;
    private const long ThinkMicros = 60_000;

    private static readonly string Administrator = new Actor(Actor.Local, Actor.LocalCredential).Principal;

    private readonly DeterministicRandom _random = new(seed);
    private readonly string _name = string.Create(CultureInfo.InvariantCulture, $"svc{number}");
    private readonly Key _key = Key.FromText(string.Create(CultureInfo.InvariantCulture, $"principals/{number}"));
    private readonly Key _fingerprint = new(Enumerable.Repeat((byte)number, PolicyNames.FingerprintBytes).ToArray());

    /// <summary>Some are known by a token, the others by a certificate.</summary>
    private readonly string? _token = number % 2 == 1
        ? number.ToString(CultureInfo.InvariantCulture).PadLeft(PolicyNames.TokenIdLength, '0')
        : null;
    private long _acts;
    private bool _isActing;
    private bool _isStopped;

    /// <summary>How often its right began or was about to end: while it is the same nothing changed.</summary>
    private long _epoch;
    private bool _mayWrite;

    /// <summary>Nothing that its administrator asked for is open.</summary>
    public bool IsIdle => _isStopped && !_isActing;

    /// <summary>How much of it is open.</summary>
    public string Describe() => string.Create(CultureInfo.InvariantCulture, $"principal {number}: a change of its rights is open");

    private string Principal => new Actor(
        _name,
        _token is { } id ? Actor.TokenPrefix + id : Actor.CertificatePrefix + Convert.ToHexStringLower(_fingerprint.Bytes)).Principal;

    private PolicyCommand BelievesAgain => _token is { } id
        ? new PutTokenCommand(id, _fingerprint, _name, long.MaxValue, 1)
        : new DeleteRevocationCommand(_fingerprint);

    private AccessRule Right => new(Verbs.Write, Spaces.Keys, _key, IsPrefix: false);

    public void Start() => Act(new EnableAuthCommand(Actor.Anonymous), _ => Act(new PutRoleCommand(_name, [Right]), _ =>
        Act(new PutPrincipalCommand(_name, [_name], IsDisabled: false), _ => Act(BelievesAgain, at =>
        {
            Granted(at);
            Write();
        }))));

    /// <summary>Begins nothing new.</summary>
    public void Stop() => _isStopped = true;

    private void Granted(Revision? at)
    {
        effects.Granted(number, at);
        _mayWrite = true;
        Later(_random.Next(10_000, 1_500_000), Revoke);
    }

    private void Revoke()
    {
        (PolicyCommand Ends, PolicyCommand Begins) way = _random.Next(4) switch
        {
            0 => (new PutRoleCommand(_name, []), new PutRoleCommand(_name, [Right])),
            1 => (new PutPrincipalCommand(_name, [], IsDisabled: false), new PutPrincipalCommand(_name, [_name], IsDisabled: false)),
            2 => (new PutPrincipalCommand(_name, [_name], IsDisabled: true), new PutPrincipalCommand(_name, [_name], IsDisabled: false)),
            _ when _token is { } id => (new RevokeTokenCommand(id, Only: false, NotAfter: 0), BelievesAgain),
            _ => (new PutRevocationCommand(_fingerprint, ""), BelievesAgain),
        };
        _epoch++;
        _mayWrite = false;
        Act(way.Ends, at =>
        {
            if (at is { } revision)
            {
                effects.Revoked(number, revision);
            }
            Look(_random.Next(1, 5), way.Begins);
        });
    }

    /// <summary>Looks so often at the key while it may not be written.</summary>
    private void Look(long times, PolicyCommand begins)
    {
        At(process => process.Read(ReadConsistency.Linearizable, Revision.Zero, read =>
        {
            if (read is { Kind: AnswerKind.Done, View: { } view } && view.GetKey(_key) is { } record)
            {
                effects.Saw(number, record.ModRevision);
            }
        }));
        Later(_random.Next(10_000, 700_000), () =>
        {
            if (times > 1)
            {
                Look(times - 1, begins);
                return;
            }
            effects.Granting(number);
            Act(begins, Granted);
        });
    }

    private void Write()
    {
        var epoch = _mayWrite ? _epoch : -1;
        var put = new PutCommand(_key, BitConverter.GetBytes(_random.NextUInt64()), LeaseId.None, KeyCondition.None);
        var envelope = new CommandEnvelope(put) { Principal = Principal };

        // Some are held up on their way: their right has ended, or begun again, when they come.
        cluster.Time.After(_random.Chance(1, 4) ? _random.Next(2_000_000) : 0, () => Execute(envelope, answer =>
        {
            if (answer.Outcome is PutDone done)
            {
                effects.Saw(number, done.ModRevision);
            }
            else if (answer.Outcome is Forbidden)
            {
                effects.Refused(number, isAllowed: epoch == _epoch && _mayWrite);
            }
        }));
        Later(_random.Next(1, 2 * ThinkMicros), Write);
    }

    /// <summary>Asks for a change until it is answered, each attempt under its one key.</summary>
    /// <param name="then">Told the store's revision at the change; null where that is not known any more.</param>
    private void Act(PolicyCommand command, Action<Revision?> then)
    {
        _isActing = true;
        var key = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{_name}-{++_acts}"));
        var envelope = new CommandEnvelope(command, key, new byte[16]) { Principal = Administrator };
        var isOver = false;
        Ask();

        void Ask()
        {
            if (isOver)
            {
                return;
            }
            Execute(envelope, answer =>
            {
                if (isOver)
                {
                    return;
                }
                if (answer.Outcome is PolicyChanged or RetryTooLate or PolicyRefused { Reason: PolicyRefusal.Missing })
                {
                    (isOver, _isActing) = (true, false);
                    then((answer.Outcome as PolicyChanged)?.Revision);
                }
                else if (_isStopped && answer.Outcome is not null)
                {
                    // There is no room for it, and nobody makes any more.
                    (isOver, _isActing) = (true, false);
                }
            });
            cluster.Time.After(PatienceMicros, Ask);
        }
    }

    private void Execute(CommandEnvelope envelope, Action<CommandAnswer> answered) => At(process =>
        process.Execute(envelope, answer => cluster.Time.After(_random.Next(100, 2_000), () => answered(answer))));

    /// <summary>Some member that is there when the request arrives.</summary>
    private void At(Action<SimulatedProcess> arrives) => cluster.Time.After(_random.Next(100, 2_000), () =>
    {
        var there = cluster.Nodes.Where(static node => node.Process is not null).ToList();
        if (there.Count > 0)
        {
            arrives(there[(int)_random.Next(there.Count)].Process!);
        }
    });

    private void Later(long micros, Action what) => cluster.Time.After(micros, () =>
    {
        if (!_isStopped)
        {
            what();
        }
    });
}
