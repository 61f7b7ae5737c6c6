using Consensus.Primitives;
using Consensus.Server.Watches;

namespace Consensus.Simulation.Watches;

/// <summary>Who is told of a watch.</summary>
internal interface IWatchClient
{
    /// <summary>Messages leave the member. They are taken when <paramref name="taken"/> is called; until then nothing more is sent.</summary>
    void Send(WatchConnection connection, IReadOnlyList<WatchMessage> messages, Action taken);

    /// <summary>There was nothing for long: the client may go on behind this revision.</summary>
    void SendHeartbeat(WatchConnection connection, Revision upTo);

    /// <summary>The last message: what comes next is forgotten.</summary>
    void SendCompacted(WatchConnection connection, Revision compactRevision);

    /// <summary>The member ends the stream.</summary>
    void SendEnd(WatchConnection connection);
}

/// <summary>One event stream at its member: <c>WatchStream</c>'s loop.</summary>
internal sealed class WatchConnection(WatchServer server, Watcher watcher, IWatchClient client)
{
    private readonly List<WatchMessage> _taken = [];
    private bool _writes = true;
    private bool _slept;

    public WatchServer Server => server;

    public bool IsClosed { get; private set; }

    public override string ToString() =>
        $"at the member {(IsClosed ? "closed, " : "")}{(_writes ? "writing, " : "")}{(watcher.SleepsAt < 0 ? "awake" : "asleep")}, next {watcher.Next}, kept from {watcher.Group.CompleteFrom}";

    /// <summary>The first message is out: the stream begins.</summary>
    public void Begin() => Written();

    /// <summary>The client is gone.</summary>
    public void Close()
    {
        if (IsClosed)
        {
            return;
        }
        IsClosed = true;
        watcher.Group.Wake(watcher);
        server.Board.Close(watcher);
        server.Closed(this);
    }

    /// <summary>Goes on, if it is awake and its client took what was sent.</summary>
    public void GoOn()
    {
        while (!IsClosed && !_writes && watcher.SleepsAt < 0)
        {
            if (_slept && watcher.HasLongSlept)
            {
                client.SendHeartbeat(this, new Revision(watcher.Next.Value - 1));
            }
            _slept = false;
            _taken.Clear();
            switch (server.Board.Step(watcher, _taken, server.Options.StepBytes, server.Now, out var view))
            {
                case WatchStep.Write:
                    Send();
                    break;
                case WatchStep.ReadHistory when watcher.Next <= view.CompactRevision:
                    client.SendCompacted(this, view.CompactRevision);
                    Close();
                    break;
                case WatchStep.ReadHistory:
                    server.History.Take(watcher, view, _taken);
                    if (_taken.Count > 0)
                    {
                        Send();
                    }
                    break;
                case WatchStep.Sleep:
                    _slept = true;
                    break;
                case WatchStep.End:
                    client.SendEnd(this);
                    Close();
                    break;
                default:
                    Invariant.Unreachable<int>(watcher);
                    break;
            }
        }
    }

    private void Send()
    {
        _writes = true;
        client.Send(this, [.. _taken], () => server.Soon(Written));
    }

    private void Written()
    {
        _writes = false;
        GoOn();
    }
}
