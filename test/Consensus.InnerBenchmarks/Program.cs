using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;
using Consensus.InnerBenchmarks;

// In this process: the default would write, restore and build a project of its own for each run.
var config = ManualConfig.Create(DefaultConfig.Instance).HideColumns("InvocationCount", "UnrollFactor").HideColumns(Column.Namespace, Column.Median);
var given = InnerArguments.WithDefaults(args);
BenchmarkSwitcher.FromAssembly(typeof(InnerArguments).Assembly).Run(given, config);
