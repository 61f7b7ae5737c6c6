using Consensus.Node.Core;

namespace Consensus.Node.Runtime;

/// <summary>What a member does apart from its turns and its log, each time on a thread of its own.</summary>
internal enum BackgroundWork
{
    /// <summary>Encodes a view and saves it.</summary>
    SaveSnapshot,

    /// <summary>Opens a snapshot's file to send it.</summary>
    OpenSnapshot,

    RemoveSnapshots,
}

/// <summary>
/// The threads of one member, and the time that passes on them, as <see cref="NodeRuntime"/> needs them. <see cref="ConsensusNode"/> binds them to real threads; the simulator binds
/// them to virtual time and draws the order in which they meet here.
/// </summary>
/// <remarks>Any thread may call any of these.</remarks>
internal interface INodeThreads
{
    /// <summary>Queues an input for the next turn, and takes that turn when nobody turns. False when the member has ended: it is dropped.</summary>
    bool Post(NodeInput input);

    /// <summary>Queues an input for the next turn of the loop's own thread. False when the member has ended: it is dropped.</summary>
    bool PostToLoop(NodeInput input);

    /// <summary>
    /// Queues a frame of this many bytes for the next turn; waits while too much of them is queued. It may lie until
    /// <see cref="TurnForPeers"/>, which must follow before the thread waits for anything else.
    /// </summary>
    void PostFromPeer(NodeInput input, int bytes);

    /// <summary>Takes the turn when something is queued and nobody turns.</summary>
    void TurnForPeers();

    /// <summary>Has something done with the next turn, before it.</summary>
    void PostAction(Action action);

    /// <summary>The log's writer has something to do.</summary>
    void WakeLog();

    /// <summary>Has this done on a thread of its own. It catches whatever it throws.</summary>
    void Run(BackgroundWork work, Action body);

    /// <summary>Lets so much time pass on the thread that calls.</summary>
    void Rest(TimeSpan time);

    /// <summary>Has this done when so much time has passed, unless the member has ended by then.</summary>
    void After(TimeSpan time, Action body);

    /// <summary>Within a turn: hands these answers to whoever awaits them.</summary>
    void Complete(List<IAwaited> answered);

    /// <summary>The member can go on no longer: no more turns but the last.</summary>
    void EndTurns();
}
