namespace Consensus.Server.Hosting;

/// <summary>
/// Work that is asked for now and then and may hang, as all that reads a file does: one thread does it, whoever asks meanwhile goes on at
/// once, and it is done once more for all of them. So a file system that does not answer costs one thread, however long that takes.
/// Thread-safe.
/// </summary>
/// <param name="work">Throws nothing.</param>
internal sealed class OneAtATime(Action work)
{
    private int _asked;

    /// <summary>Returns when it is done, or at once while another thread does it.</summary>
    public void Run()
    {
        if (Interlocked.Increment(ref _asked) != 1)
        {
            return;
        }
        int answered;
        do
        {
            answered = Volatile.Read(ref _asked);
            work();
        }
        while (Interlocked.Add(ref _asked, -answered) != 0);
    }
}
