using Consensus.Node.Core;
using Consensus.Node.Ports;

namespace Consensus.Node.Runtime;

/// <summary>The real threads on which a member's work is done.</summary>
public sealed partial class ConsensusNode : INodeThreads
{
    /// <summary>Kept, so that it is not collected before its time.</summary>
    private ITimer? _timer;

    bool INodeThreads.Post(NodeInput input) => Post(input);

    bool INodeThreads.PostToLoop(NodeInput input) => _inbox.PostToLoop(input);

    void INodeThreads.PostFromPeer(NodeInput input, int bytes)
    {
        if (_inbox.PostFromPeer(input, bytes))
        {
            TakeTurn();
        }
    }

    void INodeThreads.TurnForPeers()
    {
        if (_inbox.BeginTurnIfAny())
        {
            TakeTurn();
        }
    }

    void INodeThreads.PostAction(Action action) => _inbox.PostAction(action);

    void INodeThreads.WakeLog() => _logThread.Wake();

    void INodeThreads.Run(BackgroundWork work, Action body) => GuardedThread.Of("consensus-snapshot", body, _outside.Fatal).Start();

    void INodeThreads.Rest(TimeSpan time) => Thread.Sleep(time);

    void INodeThreads.After(TimeSpan time, Action body) =>
        _timer = _outside.Time.CreateTimer(static state => ((Action)state!)(), body, time, Timeout.InfiniteTimeSpan);

    /// <summary>A lone answer goes to the thread that is cheap to wake.</summary>
    void INodeThreads.Complete(List<IAwaited> answered) => _answers.Complete(answered);

    void INodeThreads.EndTurns()
    {
        _ended = true;
        _inbox.Close();
    }
}
