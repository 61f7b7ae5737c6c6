using System.Runtime.CompilerServices;

namespace Consensus.Server.Hosting;

/// <summary>
/// Requests are handled on the thread that waits for sockets (one for each core), with no change of threads on the way in: no handler blocks, and
/// most take some microseconds. What takes longer leaves for the thread pool first, and so does a connection that keeps a thread to itself.
/// </summary>
internal static class IoThread
{
    /// <summary>So many requests of one connection in a row, and the next one lets others go first.</summary>
    private const int LongestRun = 16;

    [ThreadStatic]
    private static HttpContext? _latest;

    [ThreadStatic]
    private static int _run;

    /// <summary>
    /// Has the runtime complete socket operations where it learns of them. Must come before the first socket. An operator's own setting of the
    /// variable wins.
    /// </summary>
    public static void ServeRequests()
    {
        const string Variable = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";
        if (Environment.GetEnvironmentVariable(Variable) is null)
        {
            Environment.SetEnvironmentVariable(Variable, "1");
        }
    }

    /// <summary>True for the request at which a connection (each has one context, used again and again) has kept this thread for long enough.</summary>
    public static bool IsOverusedBy(HttpContext http)
    {
        if (Thread.CurrentThread.IsThreadPoolThread)
        {
            return false;
        }
        _run = ReferenceEquals(_latest, http) ? _run + 1 : 0;
        _latest = http;
        if (_run < LongestRun)
        {
            return false;
        }
        _run = 0;
        return true;
    }

    /// <summary>What comes after it runs on the thread pool.</summary>
    public static PoolAwaitable Leave() => default;

    internal readonly struct PoolAwaitable
    {
        public PoolAwaiter GetAwaiter() => default;
    }

    internal readonly struct PoolAwaiter : ICriticalNotifyCompletion
    {
        public bool IsCompleted => Thread.CurrentThread.IsThreadPoolThread;

        public void GetResult()
        {
        }

        public void OnCompleted(Action continuation) => ThreadPool.QueueUserWorkItem(static go => ((Action)go!)(), continuation);

        public void UnsafeOnCompleted(Action continuation) => ThreadPool.UnsafeQueueUserWorkItem(static go => ((Action)go!)(), continuation);
    }
}
