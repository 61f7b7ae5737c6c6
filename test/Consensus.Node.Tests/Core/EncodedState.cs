using Consensus.Node.Ports;
using Consensus.StateMachine;
using Consensus.StateMachine.Snapshots;

namespace Consensus.Node.Tests.Core;

/// <summary>A snapshot in memory: what a view is encoded to, to be read as often as it is sent.</summary>
internal sealed class EncodedState : ISnapshotSink
{
    private readonly List<(int Kind, byte[] Body)> _sections = [];

    public EncodedState(StateView view) => SnapshotWriter.Write(view, this);

    public void Section(int kind, ReadOnlySpan<byte> body) => _sections.Add((kind, body.ToArray()));

    public ISnapshotReader Open(SnapshotFile file) => new Reader(_sections, file);

    private sealed class Reader(List<(int Kind, byte[] Body)> sections, SnapshotFile file) : ISnapshotReader
    {
        private int _next;

        public SnapshotFile File => file;

        public bool NextSection(out int kind, out ReadOnlyMemory<byte> body)
        {
            var isThere = _next < sections.Count;
            (kind, body) = isThere ? sections[_next++] : (0, []);
            return isThere;
        }

        public void Dispose()
        {
            // Nothing is held.
        }
    }
}
