namespace Consensus.Benchmarks.Workloads;

/// <summary>How one key is watched and written in the words of one system.</summary>
/// <param name="Watch">A whole request whose answer is an endless stream.</param>
/// <param name="EventRevision">Stands in the stream right before the revision of each message; also of the first, which says that the watch is open.</param>
/// <param name="Put">A whole request, which may go to another member.</param>
/// <param name="PutRevision">The quoted name of the revision in its answer.</param>
internal sealed record WatchWords(byte[] Watch, byte[] EventRevision, byte[] Put, byte[] PutRevision);
