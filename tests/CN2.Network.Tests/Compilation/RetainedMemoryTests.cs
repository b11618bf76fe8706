namespace CN2.Network.Tests.Compilation;

/// <summary>What the compiled state keeps in memory. It looks at the memory of the whole process, so it runs while no other test does.</summary>
[Collection(nameof(RetainedMemoryTests))]
[CollectionDefinition(nameof(RetainedMemoryTests), DisableParallelization = true)]
public sealed class RetainedMemoryTests
{
    [Fact]
    public void A_service_with_two_floating_IPs_takes_less_than_four_kilobytes_compiled()
    {
        var before = GC.GetTotalMemory(true);
        var state = ChangeCostTests.World();
        var compiled = state.Services.Select(s => state.Compile(s.Uid)).ToList();
        var perService = (GC.GetTotalMemory(true) - before) / ChangeCostTests.Count;
        GC.KeepAlive(compiled);
        GC.KeepAlive(state);
        TestContext.Current.TestOutputHelper?.WriteLine($"{perService} bytes a service");
        Assert.InRange(perService, 0, 4000);
    }
}
