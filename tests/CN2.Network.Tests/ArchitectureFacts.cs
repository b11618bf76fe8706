using System.Reflection;
using CN2.Network.Compilation;

namespace CN2.Network.Tests;

public sealed class ArchitectureFacts
{
    /// <summary>Collections, numbers, text and address types. What acts (sockets, files, tasks, processes, the console) is not among them.</summary>
    private static readonly string[] Allowed =
    [
        "System.Collections",
        "System.Linq",
        "System.Memory",
        "System.Net.Primitives",
        "System.Runtime",
        "System.Runtime.InteropServices", // CollectionsMarshal, for the indices
    ];

    [Fact]
    public void The_decision_library_references_nothing_but_the_BCLs_plain_types()
    {
        var references = typeof(NetworkState).Assembly.GetReferencedAssemblies().Select(a => a.Name!).ToList();
        Assert.Empty(references.Except(Allowed));
    }

    /// <summary>A moment (DateTimeOffset) may arrive as an argument; what tells the time may not.</summary>
    [Fact]
    public void Nothing_in_it_is_asynchronous_or_takes_a_clock_or_chance()
    {
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        var types = typeof(NetworkState).Assembly.GetTypes();
        var used = types.SelectMany(t => t.GetMethods(All)).SelectMany(m => m.GetParameters().Select(p => p.ParameterType).Append(m.ReturnType))
            .Concat(types.SelectMany(t => t.GetFields(All)).Select(f => f.FieldType));
        Type[] refused = [typeof(DateTime), typeof(TimeProvider), typeof(Random), typeof(ValueTask), typeof(CancellationToken)];
        Assert.DoesNotContain(used, t => refused.Contains(t) || typeof(Task).IsAssignableFrom(t));
    }
}
