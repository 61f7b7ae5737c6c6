using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Holding;

/// <summary>A program that keeps its thread pool busy loses no hold for it, and hears of a loss all the same. Against a real server.</summary>
[NonParallelizable]
internal sealed class StarvedThreadPoolTests
{
    /// <summary>Long enough for a renewal on a machine that does much else: each has two thirds of it.</summary>
    private static readonly LockOptions Renewed = new() { Ttl = TimeSpan.FromSeconds(30) };

    private static readonly LockOptions Lost = new() { Ttl = TimeSpan.FromSeconds(5) };

    private ServerProcess _server = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _server = await ServerProcess.StartAsync();

    [OneTimeTearDown]
    public void Stop() => _server.Dispose();

    [Test]
    public void A_hold_is_renewed_while_no_thread_of_the_pool_is_free([Values] bool isOverTls)
    {
        using var certificates = new TestCertificates();
        using var front = new TlsFront(_server.Endpoint, certificates.Member("n1")) { DemandsCertificate = true };
        using var client = new ConsensusClient(isOverTls
            ? new ConsensusClientOptions { Endpoints = [front.Endpoint], Tls = new ClientTls(certificates.Client("billing")) }
            : new ConsensusClientOptions { Endpoints = [_server.Endpoint] });
        var handle = client.AcquireLockAsync("a", Renewed).GetAwaiter().GetResult();
        var connections = front.Connections;
        using (var starved = new Starvation())
        {
            var start = handle.SafeUntil;
            Patience.Until(() => handle.SafeUntil > start, "it is renewed");
            Assert.That(handle.IsHeld, Is.True);
            Assert.That(starved.IsComplete, Is.True, "the pool had a free thread, so this shows nothing");
            Assert.That(front.Connections, isOverTls ? Is.GreaterThan(connections) : Is.Zero, "a handshake was made meanwhile");
        }
        Assert.That(handle.ReleaseAsync().GetAwaiter().GetResult(), Is.True);
    }

    [Test]
    public void A_loss_is_told_while_no_thread_of_the_pool_is_free()
    {
        using var client = new ConsensusClient(_server.Endpoint);
        var handle = client.AcquireLockAsync("b", Lost).GetAwaiter().GetResult();
        // Before: the end of a process is told by the thread pool.
        _server.Kill();
        using var starved = new Starvation();

        Assert.That(handle.HandleLost.WaitHandle.WaitOne(Eventually.Deadline), Is.True);

        Assert.That(handle.IsHeld, Is.False);
        Assert.That(starved.IsComplete, Is.True, "the pool had a free thread, so this shows nothing");
        starved.Dispose();
        _server.RunAsync().GetAwaiter().GetResult();
    }

    /// <summary>Every thread of the pool blocks, and more work than it will ever get threads for waits before anything that comes after.</summary>
    private sealed class Starvation : IDisposable
    {
        private readonly ManualResetEventSlim _end = new();
        private volatile bool _lastRan;

        public Starvation()
        {
            for (var i = 0; i < 1_000; i++)
            {
                ThreadPool.UnsafeQueueUserWorkItem(_ => _end.Wait(), null);
            }
            ThreadPool.UnsafeQueueUserWorkItem(_ => _lastRan = true, null);
        }

        public bool IsComplete => !_lastRan;

        public void Dispose() => _end.Set();
    }
}
