console.log('rackui');
