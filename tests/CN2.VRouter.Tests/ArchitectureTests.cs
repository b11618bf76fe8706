namespace CN2.VRouter.Tests;

public sealed class ArchitectureTests
{
    [Fact]
    public void The_folders_of_the_agent_have_no_cycle() => Assert.Empty(FolderGraph.Of(typeof(VRouterAgent).Assembly).Cycles());
}
