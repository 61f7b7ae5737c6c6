using Consensus.Server;
using Consensus.Server.Hosting;
using Consensus.StateMachine.Policies;
using Consensus.Storage;
using Consensus.Storage.Encryption;
using Consensus.Transport;

IoThread.ServeRequests();
StartNode start = async (options, tls, loggers, cancellation) =>
{
    var logger = loggers.CreateLogger("Consensus.Node");
    return await NodeHost.StartAsync(
        new NodeHostOptions
        {
            Name = options.Name,
            DataDirectory = options.DataDirectory,
            ListenPeer = options.ListenPeer,
            ListenClient = options.ListenClient,
            AdvertisePeer = options.AdvertisePeer,
            AdvertiseClient = options.AdvertiseClient,
            ClusterToken = options.ClusterToken,
            Tls = tls,
            InitialCluster = options.IsInitialClusterGiven ? [.. options.InitialCluster.Select(member => (member.Name, member.PeerAddress))] : null,
            PeerAddresses = [.. options.PeerAddresses.Select(member => (member.Name, member.PeerAddress))],
            Join = options.Join,
            Raft = options.ToRaftOptions(),
            SnapshotEntries = options.SnapshotEntries,
            Storage = new StorageOptions
            {
                Keys = options.EncryptionKey is { } file ? KeyRing.Load(file, $"--encryption-key {file}", options.DataDirectory) : null,
            },
            InitialSettings = options.InitialSettings,
            FirstAdmin = tls is null ? "" : BuiltInRoles.Admin,
            Version = ConsensusServer.Version,
        },
        ProcessEnd.Now,
        (level, sentence) => logger.Log(level == TransportLogLevel.Warning ? LogLevel.Warning : LogLevel.Information, "{Notice}", sentence),
        cancellation);
};
return await ServerRunner.RunAsync(args, Environment.GetEnvironmentVariable, Console.Out, Console.Error, start);
