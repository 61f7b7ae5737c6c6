using System.Diagnostics;
using Consensus.Simulation.Nodes;
using Consensus.Simulation.Runs;

var first = args.Length > 0 ? ulong.Parse(args[0]) : 1;
var count = args.Length > 1 ? int.Parse(args[1]) : 1;
var lines = args.Length > 2 ? int.Parse(args[2]) : 0;
for (var seed = first; seed < first + (ulong)count; seed++)
{
    var plan = SimulationPlan.Draw(seed);
    plan = plan with { Cluster = plan.Cluster with { TraceLines = lines } };
    var run = new SimulationRun(plan);
    var clock = Stopwatch.StartNew();
    string result;
    try
    {
        run.Run();
        result = "ok";
    }
    catch (SimulationFailureException e)
    {
        result = "FAILED " + e.Message + "\n" + e.InnerException;
    }
    foreach (var line in run.Cluster.Trace.Lines)
    {
        Console.WriteLine(line);
    }
    Console.WriteLine($"seed {seed}: {plan.Cluster.Nodes} nodes, {run.Cluster.Time.Now / 1e6:F0} s virtual in {clock.ElapsedMilliseconds} ms, {run.Cluster.Time.Events} events, {run.History.Operations.Count} ops, {run.Entries} entries, {run.Elections} elections, leases {run.Leases.Judged}/{run.Leases.Excused}, installs {run.Cluster.SnapshotsTaken}, undecided {run.Undecided}: {result}");
}
return 0;
