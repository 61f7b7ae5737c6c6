using System.Net;
using Consensus.Server.Options;
using Consensus.StateMachine;

namespace Consensus.Server.Tests.Options;

internal sealed class ServerOptionsTests
{
    private static ServerOptions Read(string arguments, Dictionary<string, string>? environment = null) =>
        ServerOptionsReader.Read(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), name => environment?.GetValueOrDefault(name));

    private static string Refusal(string arguments, Dictionary<string, string>? environment = null) =>
        Assert.Throws<OptionsException>(() => Read(arguments, environment))!.Message;

    [Test]
    public void Without_options_it_is_a_single_node_on_loopback()
    {
        var options = Read("");
        Assert.That((options.Name, options.DataDirectory, options.ClusterToken), Is.EqualTo(("n1", "./data", "consensus")));
        Assert.That(options.ListenClient, Is.EqualTo(new IPEndPoint(IPAddress.Loopback, 7379)));
        Assert.That(options.ListenPeer, Is.EqualTo(new IPEndPoint(IPAddress.Loopback, 7380)));
        Assert.That((options.AdvertiseClient, options.AdvertisePeer), Is.EqualTo(("http://127.0.0.1:7379", "127.0.0.1:7380")));
        Assert.That(options.InitialCluster, Is.EqualTo(new[] { new InitialClusterMember("n1", "127.0.0.1:7380") }));
        Assert.That((options.IsInitialClusterGiven, options.Insecure, options.SnapshotEntries), Is.EqualTo((false, false, 10_000L)));
        Assert.That((options.ElectionTimeout, options.HeartbeatInterval, options.MinTtl), Is.EqualTo(
            (TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1))));
        Assert.That(options.AllowedHosts, Is.Empty);
        Assert.That((options.EncryptionKey, options.Jwt), Is.EqualTo(((string?)null, (string?)null)));
        Assert.That(options.Join, Is.Empty);
    }

    [Test]
    public void Every_option_can_be_given_by_flag()
    {
        var options = Read("--name n2 --data-dir=/d --listen-client 127.0.0.1:1 --listen-peer [::1]:2 --advertise-client https://a.example:3 "
            + "--advertise-peer a.example:4 --cluster-token t --initial-cluster n1=b.example:5,n2=a.example:4 --election-timeout 2s "
            + "--heartbeat-interval 50ms --snapshot-entries 10 --min-ttl 100ms --allowed-hosts x.example,* --initial-settings quota-bytes=8GiB,history-ms=10m,max-leases=5000 --encryption-key /k --jwt /j --insecure");
        Assert.That((options.Name, options.DataDirectory, options.ClusterToken), Is.EqualTo(("n2", "/d", "t")));
        Assert.That(options.ListenPeer, Is.EqualTo(new IPEndPoint(IPAddress.IPv6Loopback, 2)));
        Assert.That((options.AdvertiseClient, options.AdvertisePeer), Is.EqualTo(("https://a.example:3", "a.example:4")));
        Assert.That(options.InitialCluster, Is.EqualTo(new[]
        {
            new InitialClusterMember("n1", "b.example:5"), new InitialClusterMember("n2", "a.example:4"),
        }));
        Assert.That((options.SnapshotEntries, options.MinTtl, options.Insecure), Is.EqualTo((10L, TimeSpan.FromMilliseconds(100), true)));
        Assert.That(options.AllowedHosts, Is.EqualTo(new[] { "x.example", "*" }));
        Assert.That((options.EncryptionKey, options.Jwt), Is.EqualTo(("/k", "/j")));
        Assert.That(options.InitialSettings, Is.EqualTo(new[]
        {
            new SettingValue(Setting.QuotaBytes, 8L << 30), new SettingValue(Setting.HistoryMs, 600_000), new SettingValue(Setting.MaxLeases, 5_000),
        }));
        Assert.That((options.ToRaftOptions().ElectionTimeoutTicks, options.ToRaftOptions().HeartbeatIntervalTicks), Is.EqualTo((2000, 50)));
    }

    [Test]
    public void Certificates_open_addresses_that_others_can_reach_and_make_the_advertised_URL_https()
    {
        var options = Read("--tls n1.pem --listen-client 10.0.0.1:7379 --listen-peer 10.0.0.1:7380");
        Assert.That(options.Tls, Is.EqualTo(new ServerTlsOptions("n1.pem", null, null, TakesTls12: false)));
        Assert.That((options.Insecure, options.IsClusterTokenGiven), Is.EqualTo((false, false)));
        Assert.That(options.AdvertiseClient, Is.EqualTo("https://10.0.0.1:7379"));
        Assert.That(Read("--tls n1.pem --advertise-client db:7379").AdvertiseClient, Is.EqualTo("https://db:7379"));
        var all = Read("--tls n1.pem --tls-clients c.pem --peer-tls p.pem --tls-min 1.2 --cluster-token t");
        Assert.That(all.Tls, Is.EqualTo(new ServerTlsOptions("n1.pem", "c.pem", "p.pem", TakesTls12: true)));
        Assert.That(all.IsClusterTokenGiven, Is.True);
        Assert.That(Read("").Tls, Is.Null);
    }

    [Test]
    public void The_peer_address_to_advertise_comes_from_the_cluster_list()
    {
        var options = Read("--name n2 --initial-cluster n1=127.0.0.1:7380,n2=10.0.0.2:9 --listen-peer 0.0.0.0:9 --insecure");
        Assert.That(options.AdvertisePeer, Is.EqualTo("10.0.0.2:9"));
    }

    [Test]
    public void What_is_advertised_explicitly_wins_over_the_cluster_list() =>
        Assert.That(Read("--initial-cluster n1=127.0.0.1:1,n2=127.0.0.1:2 --advertise-peer 127.0.0.1:3").AdvertisePeer, Is.EqualTo("127.0.0.1:3"));

    [Test]
    public void A_cluster_list_that_does_not_name_this_member_is_judged_only_when_the_data_directory_is_known()
    {
        var options = Read("--name n4 --initial-cluster n1=127.0.0.1:1,n2=127.0.0.1:2 --listen-peer 127.0.0.1:9");
        Assert.That((options.AdvertisePeer, options.InitialCluster.Length, options.IsInitialClusterGiven), Is.EqualTo(("127.0.0.1:9", 2, true)));
    }

    [Test]
    public void Members_that_have_moved_are_a_list_from_flag_environment_or_file()
    {
        InitialClusterMember[] moved = [new("n2", "b.example:1"), new("n3", "[::1]:2")];
        Assert.That(Read("--peer-address n2=b.example:1,n3=[::1]:2").PeerAddresses, Is.EqualTo(moved));
        Assert.That(Read("", new() { ["CONSENSUS_PEER_ADDRESS"] = "n2=b.example:1,n3=[::1]:2" }).PeerAddresses, Is.EqualTo(moved));
        var file = Path.GetTempFileName();
        File.WriteAllText(file, """{"peerAddress":["n2=b.example:1","n3=[::1]:2"]}""");
        Assert.That(Read($"--config {file}").PeerAddresses, Is.EqualTo(moved));
        File.Delete(file);
        Assert.That(Read("").PeerAddresses, Is.Empty);
    }

    [Test]
    public void Members_to_join_through_are_a_list_without_repeats()
    {
        var options = Read("--name n4 --join a.example:7380,[::1]:2,a.example:7380 --listen-peer 127.0.0.1:9");
        Assert.That(options.Join, Is.EqualTo(new[] { "a.example:7380", "[::1]:2" }));
        Assert.That((options.AdvertisePeer, options.IsInitialClusterGiven), Is.EqualTo(("127.0.0.1:9", false)));
        Assert.That(Read("", new Dictionary<string, string> { ["CONSENSUS_JOIN"] = "b.example:1" }).Join, Is.EqualTo(new[] { "b.example:1" }));
    }

    [Test]
    public void Joining_and_forming_exclude_each_other_wherever_they_were_asked_for()
    {
        var environment = new Dictionary<string, string> { ["CONSENSUS_INITIAL_CLUSTER"] = "n1=127.0.0.1:7380" };
        Assert.That(Refusal("--join 127.0.0.1:1", environment), Does.Contain("--join is given together with --initial-cluster"));
    }

    [Test]
    public void Flags_win_over_the_environment_which_wins_over_the_file()
    {
        var path = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"{TestContext.CurrentContext.Test.ID}.json");
        File.WriteAllText(path, """
            {
              // comments and trailing commas are for people
              "name": "file", "dataDir": "/file", "clusterToken": "file", "snapshotEntries": 77, "insecure": true,
              "allowedHosts": ["a.example", "b.example"],
            }
            """);
        try
        {
            var environment = new Dictionary<string, string>
            {
                ["CONSENSUS_CONFIG"] = path,
                ["CONSENSUS_NAME"] = "environment",
                ["CONSENSUS_DATA_DIR"] = "/environment",
                ["CONSENSUS_ENDPOINTS"] = "of another program",
            };
            var options = Read("--name flag", environment);
            Assert.That((options.Name, options.DataDirectory, options.ClusterToken), Is.EqualTo(("flag", "/environment", "file")));
            Assert.That((options.SnapshotEntries, options.Insecure), Is.EqualTo((77L, true)));
            Assert.That(options.AllowedHosts, Is.EqualTo(new[] { "a.example", "b.example" }));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestCase("""{"nmae":"n1"}""", "did you mean \"name\"?")]
    [TestCase("""{"name":"n1","name":"n2"}""", "twice")]
    [TestCase("""{"name":{}}""", "name")]
    [TestCase("""{"electionTimeout":"fast"}""", "electionTimeout")]
    [TestCase("""{"config":"other.json"}""", "config")]
    [TestCase("""[]""", "not a JSON object")]
    [TestCase("""{"name":""", "malformed JSON at line 1")]
    [TestCase("""{"name":"\ud800"}""", "half a surrogate pair")]
    [TestCase("""{"\udc00":1}""", "half a surrogate pair")]
    public void A_wrong_file_is_refused_by_name(string content, string named)
    {
        var path = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"{TestContext.CurrentContext.Test.ID}.json");
        File.WriteAllText(path, content);
        try
        {
            Assert.That(Refusal("--config " + path), Does.Contain(named).And.Contain(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestCase("--config /no/such/file.json", "cannot be read")]
    [TestCase("--naem n1", "--naem is not an option; did you mean --name?")]
    [TestCase("--listen-clients 127.0.0.1:1", "did you mean --listen-client?")]
    [TestCase("--election-timout=1s", "did you mean --election-timeout?")]
    [TestCase("--whatever x", "--whatever is not an option (see --help)")]
    [TestCase("start", "\"start\" is not an option")]
    [TestCase("-n n1", "\"-n\" is not an option")]
    [TestCase("--name", "--name needs a value")]
    [TestCase("--name n1 --name n2", "--name is given twice")]
    [TestCase("--name=", "--name is empty")]
    [TestCase("--name n/1", "--name is \"n/1\"")]
    [TestCase("--listen-client 7379", "--listen-client is \"7379\"")]
    [TestCase("--listen-client example.com:7379", "not an IP address and a port")]
    [TestCase("--listen-client 127.0.0.1:65536", "--listen-client")]
    [TestCase("--listen-client 127.0.0.1:-1", "--listen-client")]
    [TestCase("--listen-client 10.0.0.1:7379", "--listen-client is 10.0.0.1:7379, which others can reach: give --tls FILE (consensusctl")]
    [TestCase("--listen-client 10.0.0.1:7379", "cert create n1=10.0.0.1 makes one), or --insecure")]
    [TestCase("--listen-client 0.0.0.0:7379", "consensusctl cert create n1=HOST makes one")]
    [TestCase("--listen-peer 192.0.2.1:7380 --name n7", "consensusctl cert create n7=192.0.2.1 makes one")]
    [TestCase("--listen-peer [::]:7380", "or --insecure")]
    [TestCase("--tls n1.pem --insecure", "--insecure is given together with --tls")]
    [TestCase("--tls-clients ca.pem", "--tls-clients is given without --tls")]
    [TestCase("--tls-min 1.2", "--tls-min is given without --tls")]
    [TestCase("--peer-tls n1.pem", "--peer-tls is given without --tls")]
    [TestCase("--peer-tls n1.pem --listen-peer 192.0.2.1:7380 --insecure", "--peer-tls is given without --tls")]
    [TestCase("--tls n1.pem --tls-min 1.1", "--tls-min is \"1.1\", neither 1.2 nor 1.3")]
    [TestCase("--tls=", "--tls is empty")]
    [TestCase("--tls n1.pem --advertise-client http://db:7379", "clients reach this member over https: write https://db:7379")]
    [TestCase("--listen-client 127.0.0.1:7380", "are the same address")]
    [TestCase("--listen-client 0.0.0.0:7379 --insecure", "--advertise-client is missing")]
    [TestCase("--listen-peer 0.0.0.0:7380 --insecure", "--advertise-peer is missing")]
    [TestCase("--advertise-client ftp://x:1", "--advertise-client")]
    [TestCase("--advertise-client http://x:1/path", "it has a path")]
    [TestCase("--advertise-client http://x:1/?", "it has a query")]
    [TestCase("--advertise-client x:1#", "it has a fragment")]
    [TestCase("--advertise-client http://me@x:1", "it has user information")]
    [TestCase("--advertise-client http://@x:1", "it has user information")]
    [TestCase("--listen-client 127.0.0.1:1/path", "--listen-client")]
    [TestCase("--listen-client http://127.0.0.1:1", "--listen-client")]
    [TestCase("--advertise-peer http://x:1", "--advertise-peer")]
    [TestCase("--advertise-peer me@x:1", "--advertise-peer")]
    [TestCase("--advertise-peer x:1/path", "--advertise-peer")]
    [TestCase("--join x:1/path", "--join")]
    [TestCase("--join me@x:1", "--join")]
    [TestCase("--peer-address n1=http://x:1", "--peer-address")]
    [TestCase("--initial-cluster n1=x:1?a", "--initial-cluster")]
    [TestCase("--allowed-hosts x:1", "--allowed-hosts")]
    [TestCase("--allowed-hosts x/path", "--allowed-hosts")]
    [TestCase("--allowed-hosts me@x", "--allowed-hosts")]
    [TestCase("--advertise-peer x", "--advertise-peer")]
    [TestCase("--advertise-peer x:0", "--advertise-peer")]
    [TestCase("--initial-cluster n1", "has the entry \"n1\"")]
    [TestCase("--initial-cluster n1=127.0.0.1:1,", "has the entry \"\"")]
    [TestCase("--initial-cluster n1=127.0.0.1:1,n1=127.0.0.1:2", "another entry has too")]
    [TestCase("--initial-cluster n1=127.0.0.1:1,n2=127.0.0.1:1", "another entry has too")]
    [TestCase("--peer-address n1", "--peer-address has the entry \"n1\"")]
    [TestCase("--peer-address n1=a:1,n1=b:1", "another entry has too")]
    [TestCase("--peer-address n1=a:1,n2=a:1", "another entry has too")]
    [TestCase("--initial-cluster n2=a.example:2 --listen-peer 0.0.0.0:7380 --insecure", "--advertise-peer is missing")]
    [TestCase("--join 127.0.0.1:1 --initial-cluster n1=127.0.0.1:7380", "--join is given together with --initial-cluster")]
    [TestCase("--join n1=127.0.0.1:1", "has the entry \"n1=127.0.0.1:1\", not a host and a port")]
    [TestCase("--join 127.0.0.1", "has the entry \"127.0.0.1\"")]
    [TestCase("--join 127.0.0.1:0", "has the entry \"127.0.0.1:0\"")]
    [TestCase("--join 127.0.0.1:1,", "has the entry \"\"")]
    [TestCase("--join=", "--join is empty")]
    [TestCase("--join 127.0.0.1:7380", "this member's own address")]
    [TestCase("--join a.example:1 --listen-peer 0.0.0.0:7380 --insecure", "--advertise-peer is missing")]
    [TestCase("--election-timeout soon", "--election-timeout is \"soon\"")]
    [TestCase("--election-timeout 10ms", "from 50ms to 1m")]
    [TestCase("--heartbeat-interval 500ms", "not below half of --election-timeout")]
    [TestCase("--snapshot-entries 0", "--snapshot-entries")]
    [TestCase("--snapshot-entries many", "--snapshot-entries")]
    [TestCase("--min-ttl 99ms", "from 100ms to 1h")]
    [TestCase("--allowed-hosts a.example:80", "without a port")]
    [TestCase("--initial-settings quota=8GiB", "has the entry \"quota=8GiB\", not a setting and its value such as quota-bytes=8GiB; the settings are quota-bytes, history-bytes")]
    [TestCase("--initial-settings quota-bytes", "has the entry \"quota-bytes\", not a setting")]
    [TestCase("--initial-settings quota-bytes=much", "whose value is not a size")]
    [TestCase("--initial-settings quota-bytes=1", "quota-bytes is from 256MiB to 1TiB")]
    [TestCase("--initial-settings history-ms=1500us", "whose value is not a duration")]
    [TestCase("--initial-settings max-leases=5000,max-leases=6000", "another entry has too")]
    [TestCase("--insecure=perhaps", "neither true nor false")]
    [TestCase("--config=", "cannot be read")]
    public void A_wrong_option_is_refused_with_one_sentence(string arguments, string named)
    {
        var sentence = Refusal(arguments);
        Assert.That(sentence, Does.Contain(named));
        Assert.That(sentence, Does.Not.Contain("\n"));
    }

    [Test]
    public void Too_many_members_to_join_through_are_refused()
    {
        var many = string.Join(',', Enumerable.Range(1, 33).Select(i => $"127.0.0.1:{i}"));
        Assert.That(Refusal($"--join {many}"), Does.Contain("has 33 entries"));
    }

    [Test]
    public void A_wrong_variable_is_refused_by_its_own_name()
    {
        var refusal = Refusal("", new Dictionary<string, string> { ["CONSENSUS_SNAPSHOT_ENTRIES"] = "many" });
        Assert.That(refusal, Does.Contain("CONSENSUS_SNAPSHOT_ENTRIES is \"many\""));
    }

    [Test]
    public void The_help_names_every_option()
    {
        var help = HelpText.Write("1");
        foreach (var option in OptionTable.All)
        {
            Assert.That(help, Does.Contain("--" + option.Flag));
        }
    }
}
