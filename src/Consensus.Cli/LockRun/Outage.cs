using Consensus.Api.Cluster;
using Consensus.Cli.Output;
using Consensus.Client;
using Consensus.Client.Transport;

namespace Consensus.Cli.LockRun;

/// <summary>
/// What is known of the members while a hold is waited for. Says once, in a sentence, why nobody can grant it: who waits for a hold must not wait in silence for a cluster. Thread-safe.
/// </summary>
/// <param name="what">For the sentence: "lock 'a'".</param>
/// <param name="members">How many there are to ask.</param>
internal sealed class Outage(string what, int members, TimeProvider clock, TextWriter error)
{
    /// <summary>What passes by itself sooner is not worth a word; nor is what ends the program sooner (no endpoint accepts a connection).</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2.5);

    private readonly Lock _gate = new();
    private readonly TimeSpan _startedAt = clock.SinceStart();
    private int _failures;
    private bool _isTold;
    private bool _wasSeen;
    private string _trouble = "";

    /// <summary>Whether the cluster was there at any time: a member judged a request, or knew a leader.</summary>
    public bool WasSeen
    {
        get
        {
            lock (_gate)
            {
                return _wasSeen;
            }
        }
    }

    /// <summary>Why nobody can grant it; empty when that is not so, as far as is known.</summary>
    public string Trouble
    {
        get
        {
            lock (_gate)
            {
                return _trouble;
            }
        }
    }

    /// <summary>An attempt has ended.</summary>
    public void Heard(Attempt attempt)
    {
        lock (_gate)
        {
            if (attempt.Kind is AttemptKind.Done or AttemptKind.Refused or AttemptKind.Denied)
            {
                IsOver();
                return;
            }
            _failures++;
            // What breaks off at one member may go on at the next; "there is no leader" will not.
            if ((attempt.Kind == AttemptKind.NothingDone && attempt.Status != 0) || _failures >= members)
            {
                Tell(attempt.Detail);
            }
        }
    }

    /// <summary>The member that lets the request wait was asked how it is.</summary>
    public void Probed(ApiResult<StatusAnswer> answer)
    {
        lock (_gate)
        {
            if (!answer.Succeeded)
            {
                Tell(answer.Problem.Detail);
            }
            else if (answer.Value.Leader is null)
            {
                Tell($"{answer.Value.Name} knows no leader.");
            }
            else
            {
                IsOver();
            }
        }
    }

    private void IsOver()
    {
        (_wasSeen, _failures, _isTold, _trouble) = (true, 0, false, "");
    }

    private void Tell(string trouble)
    {
        _trouble = trouble;
        if (!_isTold && clock.SinceStart() - _startedAt >= Patience)
        {
            _isTold = true;
            error.WriteLine("consensusctl: " + Plain.OneLine($"still waiting for {what}: {trouble}"));
        }
    }
}
